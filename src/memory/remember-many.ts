import {
  checkedInteger,
  checkedJson,
  checkText,
  checkTexts,
  longestName,
  longestText,
} from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { checkedTime } from '../database/time.ts'
import { translatingErrors } from '../database/translate-error.ts'
import { storableEmbeddingText } from '../embedding/embedding.ts'
import { withEmbeddingModel } from '../embedding/embedding-writer.ts'
import { InvalidInputError } from '../errors.ts'
import { canonicalText, memoryId, namespacedId } from './memory-id.ts'
import { checkSimilarity, nearDuplicateOf } from './near-duplicates.ts'
import { type NewMemory, newMemoryKeys, type RememberOptions, type RememberResult } from './new-memory.ts'
import { type ItemRow, writeMemories } from './write-memories.ts'

export interface RememberManyOptions extends RememberOptions {
  readonly items: readonly NewMemory[]
  /** Rows a statement, 1 to 5000; 500 by default. */
  readonly batchSize?: number
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void
  /**
   * The name of the model that made the items' embeddings. While a change of the model is under way, those of the next
   * are kept beside the current ones; of any other model they are refused. By default they are taken for the current's.
   */
  readonly model?: string
}

const optionKeys = {
  items: true,
  batchSize: true,
  onProgress: true,
  nearDuplicatesAbove: true,
  model: true,
} satisfies OptionKeys<RememberManyOptions>

/**
 * Keeps many memories at the speed of a bulk insert, as `remember` does for each, in one transaction: all or none.
 * Everything is checked before the first row is written.
 *
 * Two writers that keep the same text with the same tags at the same time leave one row. With different tags they may
 * leave two, which the next `remember` of the text does not merge: it brings the older one up to date.
 *
 * @returns a result for each item, in their order.
 * @throws as `remember`, with the position of the item in the message.
 * @example
 * const results = await rememberMany(db, { items: [{ text: 'first' }, { text: 'second' }] })
 */
export async function rememberMany(db: Database, options: RememberManyOptions): Promise<RememberResult[]> {
  checkOptions(options, optionKeys)
  const { items, batchSize, onProgress, nearDuplicatesAbove, model } = options
  if (!Array.isArray(items)) throw new InvalidInputError(`items must be an array, got ${typeof items}`)
  const rowsInBatch = checkedInteger(batchSize, 'batchSize', { from: 1, to: 5000, otherwise: 500 })
  checkSimilarity(nearDuplicatesAbove, 'nearDuplicatesAbove')
  const rows: ItemRow[] = []
  for (let at = 0; at < items.length; at++)
    rows.push(rowOf(items[at], at, items.length > 1 ? `items[${at}]` : ''))
  const results = new Array<RememberResult>(items.length)
  if (items.length === 0) return results

  return translatingErrors(() =>
    withEmbeddingModel(db, model, async (transaction) => {
      let done = 0
      for (const batch of batchesOf(rows, rowsInBatch)) {
        for (const result of await writeMemories(transaction, batch)) {
          results[result.place] = { id: result.id, created: result.created }
        }
        done += batch.length
        onProgress?.(done, items.length)
      }
      if (nearDuplicatesAbove !== undefined) {
        for (const { place, namespace } of rows) {
          const embedding = items[place]?.embedding
          const result = results[place] as RememberResult
          const nearDuplicate = embedding
            ? await nearDuplicateOf(transaction, { id: result.id, namespace, embedding }, nearDuplicatesAbove)
            : null
          results[place] = { ...result, nearDuplicate }
        }
      }
      return results
    }),
  )
}

const sameTexts = ['merge', 'replace', 'distinct']

/** Checks an item and names its columns as the database does. What is not given stays undefined, so that JSON leaves it out. */
function rowOf(item: NewMemory | undefined, place: number, name: string): ItemRow {
  const at = name === '' ? '' : `${name}.`
  if (typeof item === 'object' && item !== null)
    checkText(item.text, `${at}text`, { from: 1, to: longestText })
  checkOptions(item, newMemoryKeys, name === '' ? 'memory' : name)
  const { namespace = 'default', text, tags, metadata, embedding, importance, key } = item
  checkText(namespace, `${at}namespace`, { from: 1, to: longestName })
  if (tags !== undefined) checkTexts(tags, `${at}tags`, { to: longestName })
  if (key !== undefined && item.id !== undefined)
    throw new InvalidInputError(`${at}id and ${at}key cannot both be given: a key makes the id`)
  const ownId = key === undefined ? item.id : namespacedId(namespace, key)
  const id = ownId ?? memoryId(namespace, text, tags)
  checkText(id, `${at}id`, { from: 1, to: longestName })
  if (item.speakerId != null) checkText(item.speakerId, `${at}speakerId`)
  if (importance != null && !(typeof importance === 'number' && importance >= 0 && importance <= 1)) {
    throw new InvalidInputError(`${at}importance must be a number from 0 to 1, got ${String(importance)}`)
  }
  const sameText = item.sameText ?? (ownId === undefined ? 'merge' : 'replace')
  if (!sameTexts.includes(sameText)) {
    throw new InvalidInputError(
      `${at}sameText must be one of ${sameTexts.join(', ')}, got ${String(sameText)}`,
    )
  }
  if (metadata !== undefined) checkedJson(metadata, `${at}metadata`)
  const time = (value: Date | string | null | undefined, column: string) =>
    value == null ? undefined : checkedTime(value, `${at}${column}`)
  return {
    place,
    id,
    is_own: ownId !== undefined,
    same_text: sameText,
    namespace,
    text,
    tags,
    speaker_id: item.speakerId,
    metadata,
    embedding: embedding == null ? undefined : storableEmbeddingText(embedding, `${at}embedding`),
    importance,
    expires_at: time(item.expiresAt, 'expiresAt'),
    created_at: time(item.createdAt, 'createdAt'),
    valid_from: time(item.validFrom, 'validFrom'),
    valid_to: time(item.validTo, 'validTo'),
  }
}

/**
 * Batches of rows. A memory occurs once in each, because one statement may not write a row twice. Every writer goes
 * through the memories in the same order, so two of them cannot deadlock; what says the same again comes last, when its
 * row is locked already.
 */
function* batchesOf(rows: readonly ItemRow[], size: number): Generator<ItemRow[]> {
  const seen = new Map<string, number>()
  const keyed = rows.map((row) => {
    const key = row.is_own ? `id ${row.id}` : `text ${row.namespace}\0${canonicalText(row.text)}`
    const round = (seen.get(key) ?? 0) + 1
    seen.set(key, round)
    return { row, key, round }
  })
  keyed.sort((one, other) => one.round - other.round || compare(one.key, other.key))
  for (let from = 0; from < keyed.length; ) {
    const { round } = keyed[from] as { round: number }
    let to = from
    while (to < keyed.length && to - from < size && keyed[to]?.round === round) to++
    yield keyed.slice(from, to).map(({ row }) => row)
    from = to
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
