import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, translatingErrors } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { ConflictError, InvalidInputError } from '../errors.ts'
import {
  checkedInteger,
  checkedJson,
  checkedTime,
  checkText,
  checkTexts,
  longestName,
  longestText,
} from './check.ts'
import { storableEmbeddingText } from './embedding.ts'
import { memoryId } from './memory-id.ts'
import type { NewMemory, RememberResult } from './remember.ts'

export interface RememberManyOptions {
  readonly items: readonly NewMemory[]
  /** Rows a statement, 1 to 5000; 500 by default. */
  readonly batchSize?: number
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Keeps many memories at the speed of a bulk insert, as `remember` does for each, in one transaction: all or none.
 * Everything is checked before the first row is written.
 *
 * @returns a result for each item, in their order.
 * @throws as `remember`, with the position of the item in the message.
 * @example
 * const results = await rememberMany(db, { items: [{ text: 'first' }, { text: 'second' }] })
 */
export async function rememberMany(
  db: Database,
  { items, batchSize, onProgress }: RememberManyOptions,
): Promise<RememberResult[]> {
  const rowsInBatch = checkedInteger(batchSize, 'batchSize', { from: 1, to: 5000, otherwise: 500 })
  const rows = items.map((item, at) => rowOf(item, items.length > 1 ? `items[${at}].` : ''))
  // Every writer takes its row locks in the same order, so two of them cannot deadlock.
  const order = rows
    .map((_, at) => at)
    .sort((one, other) => compare(rows[one]?.id, rows[other]?.id) || one - other)
  const results = new Array<RememberResult>(items.length)
  if (items.length === 0) return results

  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      let done = 0
      for (const batch of batchesOf(order, rows, rowsInBatch)) {
        const written = await writeBatch(
          transaction,
          batch.map((at) => rows[at] as ItemRow),
        )
        for (const at of batch) results[at] = written.get(rows[at]?.id ?? '') as RememberResult
        done += batch.length
        onProgress?.(done, items.length)
      }
      return results
    }),
  )
}

interface ItemRow {
  readonly id: string
  readonly [column: string]: unknown
}

/** Checks an item and names its columns as the database does. What is not given stays undefined, so that JSON leaves it out. */
function rowOf(item: NewMemory, at: string): ItemRow {
  const { namespace = 'default', text, tags, metadata, embedding, importance, expiresAt, createdAt } = item
  checkText(text, `${at}text`, { from: 1, to: longestText })
  checkText(namespace, `${at}namespace`, { from: 1, to: longestName })
  if (tags !== undefined) checkTexts(tags, `${at}tags`, { to: longestName })
  const id = item.id ?? memoryId(namespace, text, tags)
  checkText(id, `${at}id`, { from: 1, to: longestName })
  if (item.speakerId != null) checkText(item.speakerId, `${at}speakerId`)
  if (importance != null && !(typeof importance === 'number' && importance >= 0 && importance <= 1)) {
    throw new InvalidInputError(`${at}importance must be a number from 0 to 1, got ${String(importance)}`)
  }
  if (metadata !== undefined) checkedJson(metadata, `${at}metadata`)
  return {
    id,
    namespace,
    text,
    tags,
    speaker_id: item.speakerId,
    metadata,
    embedding: embedding == null ? undefined : storableEmbeddingText(embedding, `${at}embedding`),
    importance,
    expires_at: expiresAt == null ? undefined : checkedTime(expiresAt, `${at}expiresAt`),
    created_at: createdAt == null ? undefined : checkedTime(createdAt, `${at}createdAt`),
  }
}

function compare(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Batches of positions; an id occurs once in each, because one statement may not write a row twice. */
function* batchesOf(order: number[], rows: ItemRow[], size: number): Generator<number[]> {
  let batch: number[] = []
  let last: string | undefined
  for (const at of order) {
    if (batch.length === size || rows[at]?.id === last) {
      yield batch
      batch = []
    }
    batch.push(at)
    last = rows[at]?.id
  }
  yield batch
}

async function writeBatch(db: Database, rows: ItemRow[]): Promise<Map<string, RememberResult>> {
  const written = await queryRows(
    db,
    sql`
      WITH items AS MATERIALIZED (
        SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS item (
          id text, namespace text, text text, tags text[], speaker_id text, metadata jsonb, embedding text,
          importance real, expires_at timestamptz, created_at timestamptz
        )
      )
      INSERT INTO ${api(db)}memory_items AS m
        (id, namespace, text, tags, speaker_id, metadata, embedding, importance, expires_at, created_at)
      SELECT id, namespace, text, COALESCE(tags, '{}'), speaker_id, COALESCE(metadata, '{}'), ${api(db)}parse_embedding(embedding),
        COALESCE(importance, 0.5), expires_at, COALESCE(created_at, now())
      FROM items
      ON CONFLICT (id) DO UPDATE SET
        text = excluded.text,
        embedding = CASE
          WHEN m.text = excluded.text THEN COALESCE(excluded.embedding, m.embedding)
          ELSE excluded.embedding
        END,
        (tags, speaker_id, metadata, importance, expires_at, created_at) = (
          SELECT COALESCE(given.tags, m.tags), COALESCE(given.speaker_id, m.speaker_id),
            COALESCE(given.metadata, m.metadata), COALESCE(given.importance, m.importance),
            COALESCE(given.expires_at, m.expires_at), COALESCE(given.created_at, m.created_at)
          FROM items AS given
          WHERE given.id = excluded.id
        )
      WHERE m.namespace = excluded.namespace
      RETURNING m.id, m.xmax = 0 AS created
    `,
  )
  const results = new Map(
    written.map((row) => [String(row.id), { id: String(row.id), created: row.created === true }]),
  )
  const foreign = rows.find((row) => !results.has(row.id))
  if (foreign !== undefined) {
    throw new ConflictError(
      `the id "${foreign.id}" belongs to a memory of another namespace than "${foreign.namespace}"`,
    )
  }
  return results
}
