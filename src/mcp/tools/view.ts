import { beginning } from './budget.ts'

/** What a model is shown of a row: its fields by the names of the tools' own arguments. What is empty is left out. */
export type View = Record<string, unknown>

/** Adds a document as it is, or the beginning of its JSON, under another name, where that is long. */
export function addDocument(view: View, name: string, value: unknown, characters: number): void {
  if (value === undefined || value === null) return
  const json = JSON.stringify(value)
  if (json === '{}' || json === '[]') return
  if (json.length <= characters) view[name] = value
  else view[`${name}_cut`] = `${beginning(json, characters)}… (cut: ${json.length} characters)`
}

/** Fields as text, each by its name. */
export function fieldsText(view: View): string[] {
  return Object.entries(view).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
}

/** Later lines indented, so that nothing that was stored can look like the next entry of a list. */
export function indented(text: string): string {
  return text.replaceAll('\n', '\n  ')
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
