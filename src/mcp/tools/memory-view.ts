import * as z from 'zod'
import type { Memory } from '../../memory/get-memory.ts'
import { beginning } from './budget.ts'

/** A memory as a model sees it. What is empty is left out. */
export interface MemoryView {
  [key: string]: unknown
  id: string
  text: string
}

export const memoryView = z.looseObject({ id: z.string(), text: z.string() })

/** Characters of a memory's other fields that are shown, each. */
const longestField = 400

export interface ViewOptions {
  /** Characters of the text that are shown, counted as JSON. */
  readonly characters: number
  /** Where in the text to begin. */
  readonly from?: number
}

/** A memory for a model, cut to so many characters; `cut` says what was left out. */
export function viewOf(memory: Memory, { characters, from = 0 }: ViewOptions): MemoryView {
  const text = beginning(memory.text.slice(from), characters)
  const shown = from + text.length
  const view: MemoryView = { id: memory.id, text, namespace: memory.namespace }
  if (shown < memory.text.length) {
    view.cut = `characters ${from} to ${shown} of ${memory.text.length}; get_memory with offset ${shown} reads on`
    view.next_offset = shown
  }
  const { tags, speakerId, metadata, importance, createdAt, updatedAt, expiresAt } = memory
  if (tags.length > 0) add(view, 'tags', tags)
  if (speakerId !== null) add(view, 'speaker_id', speakerId)
  if (Object.keys(metadata).length > 0) add(view, 'metadata', metadata)
  if (importance !== 0.5) view.importance = importance
  view.created_at = createdAt.toISOString()
  if (updatedAt.getTime() - createdAt.getTime() > 1000) view.updated_at = updatedAt.toISOString()
  if (expiresAt !== null) view.expires_at = expiresAt.toISOString()
  return view
}

/** A field as it is, or as the beginning of its JSON where that is long. */
function add(view: MemoryView, name: string, value: unknown): void {
  const json = JSON.stringify(value)
  if (json.length <= longestField) {
    view[name] = value
    return
  }
  view[`${name}_cut`] = `${beginning(json, longestField)}… (${json.length} characters)`
}

/** One memory as text: its id, what it says, and in brackets what else is known of it. */
export function memoryLines(view: MemoryView): string {
  const { id, text, cut, next_offset: _, namespace, created_at: createdAt, ...others } = view
  const known = [`in ${namespace}`, String(createdAt).slice(0, 10)]
  for (const [name, value] of Object.entries(others)) {
    known.push(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  }
  // Later lines are indented, so that no memory can look like the next entry of the list.
  const lines = text.replaceAll('\n', '\n  ')
  return `[${id}] ${lines}${cut === undefined ? '' : `… (${cut})`} (${known.join('; ')})`
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
