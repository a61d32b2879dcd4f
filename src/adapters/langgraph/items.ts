import type { Item } from '@langchain/langgraph-checkpoint'
import { checkedJson, longestText } from '../../database/check.ts'
import { InvalidInputError } from '../../errors.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { labelsOf } from './namespaces.ts'

/** The text of an item that is not to be found by words: it has none. */
export const withoutWords = '-'

/** The columns of an item. */
export const itemColumns = {
  id: memoryItems.id,
  namespace: memoryItems.namespace,
  metadata: memoryItems.metadata,
  createdAt: memoryItems.createdAt,
  updatedAt: memoryItems.updatedAt,
}

export interface ItemRow {
  readonly id: string
  readonly namespace: string
  readonly metadata: Record<string, unknown>
  readonly createdAt: Date
  readonly updatedAt: Date
}

export function itemOf({ namespace, metadata, createdAt, updatedAt }: ItemRow): Item {
  const { key, value } = metadata as { key: string; value: Record<string, unknown> }
  return { namespace: labelsOf(namespace), key, value, createdAt, updatedAt }
}

/** What `memory_items` keeps of an item beside its text. */
export function metadataOf(
  key: string,
  value: Record<string, unknown>,
  indexed: boolean,
): Record<string, unknown> {
  checkedJson(value, 'value')
  return { key, value, indexed }
}

export function isIndexed(row: ItemRow): boolean {
  return row.metadata.indexed !== false
}

/**
 * What of a value is searched: the texts at the paths, or all of them, a line each; as much as a memory's text holds.
 *
 * @param paths as LangGraph writes them: `title`, `meta.title`, `chapters[*].content`, `tags[0]`, `$` for everything.
 */
export function searchableText(value: Record<string, unknown>, paths: readonly string[]): string {
  const lines = paths.flatMap((path) => (path === '$' ? leaves(value) : textsAt(value, path)))
  const text = lines.join('\n').replaceAll('\0', ' ').trim()
  return text === '' ? withoutWords : truncated(text, longestText)
}

function textsAt(value: unknown, path: string): string[] {
  let reached: unknown[] = [value]
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\*|-?\d+)\]/g)) {
    reached = reached.flatMap((at) => step(at, name, index))
  }
  if (path === '') throw new InvalidInputError('an index path must name a field, got an empty text')
  return reached.flatMap(leaves)
}

function step(at: unknown, name: string | undefined, index: string | undefined): unknown[] {
  if (typeof at !== 'object' || at === null) return []
  if (name === '*') return Object.values(at)
  if (name !== undefined) return Object.hasOwn(at, name) ? [(at as Record<string, unknown>)[name]] : []
  if (!Array.isArray(at)) return []
  return index === '*' ? at : at.slice(Number(index), Number(index) === -1 ? undefined : Number(index) + 1)
}

/** Every text, number and truth value in a value, in their order. */
function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}

/** As many whole characters as fit in so many bytes. */
function truncated(text: string, bytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= bytes) return text
  let end = bytes
  while (((buffer[end] as number) & 0xc0) === 0x80) end--
  return buffer.subarray(0, end).toString()
}
