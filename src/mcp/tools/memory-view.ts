import * as z from 'zod'
import type { Memory } from '../../memory/get-memory.ts'
import { beginning } from './budget.ts'
import { addDocument, fieldsText, indented, type View } from './view.ts'

/** A memory as a model sees it. */
export interface MemoryView extends View {
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
  addDocument(view, 'tags', tags, longestField)
  addDocument(view, 'speaker_id', speakerId, longestField)
  addDocument(view, 'metadata', metadata, longestField)
  if (importance !== 0.5) view.importance = importance
  view.created_at = createdAt.toISOString()
  if (updatedAt.getTime() - createdAt.getTime() > 1000) view.updated_at = updatedAt.toISOString()
  if (expiresAt !== null) view.expires_at = expiresAt.toISOString()
  // Read by its id only: searches and lists leave it out.
  if (memory.supersededBy !== null) view.superseded_by = memory.supersededBy
  return view
}

/** One memory as text: its id, what it says, and in brackets what else is known of it. */
export function memoryLines(view: MemoryView): string {
  const { id, text, cut, next_offset: _, namespace, created_at: createdAt, ...others } = view
  const known = [`in ${namespace}`, String(createdAt).slice(0, 10), ...fieldsText(others)]
  return `[${id}] ${indented(text)}${cut === undefined ? '' : `… (${cut})`} (${known.join('; ')})`
}
