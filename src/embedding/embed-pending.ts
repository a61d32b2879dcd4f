import { type SQL, sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRow, queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { translatingErrors } from '../database/translate-error.ts'
import { EmbedderError, InvalidInputError } from '../errors.ts'
import { type Embedder, embedderRole, embedEach } from './embedder.ts'
import { embeddingText } from './embedding.ts'
import { withEmbeddingModel } from './embedding-writer.ts'

export interface EmbedPendingOptions {
  /** Only memories of this namespace. */
  readonly namespace?: string
  /** Rows that are read, embedded and written at a time, 1 to 1000; 64 by default. */
  readonly batchSize?: number
  /** Rows to try at most; all by default. */
  readonly limit?: number
  /** Called after each batch, with how many rows have been tried, of how many. */
  readonly onProgress?: (tried: number, total: number) => void
  /** Ends the run: what is embedded by then is kept. */
  readonly signal?: AbortSignal
}

const optionKeys = {
  namespace: true,
  batchSize: true,
  limit: true,
  onProgress: true,
  signal: true,
} satisfies OptionKeys<EmbedPendingOptions>

export interface EmbedPendingResult {
  /** Rows that have their vector now. */
  readonly embedded: number
  /** Rows that the embedder refused. They stay pending, and the next run tries them again. */
  readonly failed: readonly { readonly id: string; readonly error: EmbedderError }[]
  /** Rows that somebody else changed, embedded, deleted or was writing meanwhile. */
  readonly skipped: number
  /** Why the run ended early: the embedder is down, or the signal was given. */
  readonly stopped?: EmbedderError
}

/**
 * Embeds the memories that were stored without a vector of the embedder's model; while a change of the model is under
 * way, an embedder of the next one fills that one's vectors. Expired memories are left alone: no search returns them.
 *
 * Any number of processes may run it at once, beside writers: no lock is held while the embedder works, and a vector is
 * written only if the row still has the text that it was made of, and no vector of this model. Each run starts at a place of its own
 * in the order of ids and goes round, so that runs meet late and do little work twice.
 *
 * @throws ConfigurationError if the embedder's vectors are of another model than the database's; not for the embedder's
 *   errors.
 * @example
 * const { embedded, failed, stopped } = await embedPending(db, embedder, { batchSize: 100 })
 */
export async function embedPending(
  db: Database,
  embedder: Embedder,
  options: EmbedPendingOptions = {},
): Promise<EmbedPendingResult> {
  checkOptions(options, optionKeys)
  const { namespace, onProgress, signal } = options
  const most = Number.MAX_SAFE_INTEGER
  const batchSize = checkedInteger(options.batchSize, 'batchSize', { from: 1, to: 1000, otherwise: 64 })
  const limit = checkedInteger(options.limit, 'limit', { from: 1, to: most, otherwise: most })
  if (namespace !== undefined) checkText(namespace, 'namespace')
  const role = await embedderRole(db, embedder)
  // In this form, and as a literal, because a change of the model makes an index for it.
  const id = sql.raw(String(role.id))
  const pending = sql`embedding_model IS DISTINCT FROM ${id} AND next_embedding_model IS DISTINCT FROM ${id}
    AND (expires_at IS NULL OR expires_at > now())
    AND (${namespace ?? null}::text IS NULL OR namespace = ${namespace ?? null}::text)`

  const { count, start } = await startingPlace(db, pending)
  const total = Math.min(count, limit)
  const failed: { id: string; error: EmbedderError }[] = []
  let embedded = 0
  let tried = 0
  let stopped: EmbedderError | undefined
  for await (const rows of batches(db, pending, start, batchSize)) {
    const batch = rows.slice(0, limit - tried)
    const vectors = await embedEach(
      embedder,
      batch.map((row) => row.text),
      signal ? { signal } : {},
    )
    const made: EmbeddedRow[] = []
    batch.forEach((row, at) => {
      const vector = vectors[at]
      if (vector instanceof Float32Array) made.push({ ...row, vector })
      else if (vector?.blames === 'service') stopped = vector
      else if (vector !== undefined) failed.push({ id: row.id, error: vector })
    })
    embedded += await writeVectors(db, embedder, { pending, modelId: id }, made)
    tried += stopped === undefined ? batch.length : batch.length - vectors.filter(isOutage).length
    onProgress?.(tried, Math.max(total, tried))
    if (stopped !== undefined || tried >= limit) break
  }
  const skipped = tried - embedded - failed.length
  return { embedded, failed, skipped, ...(stopped === undefined ? {} : { stopped }) }
}

interface PendingRow {
  readonly id: string
  readonly text: string
}

interface EmbeddedRow extends PendingRow {
  readonly vector: Float32Array
}

function isOutage(vector: Float32Array | EmbedderError): boolean {
  return vector instanceof EmbedderError && vector.blames === 'service'
}

/** How many rows are pending, and the id of one of them, drawn by lot. */
async function startingPlace(db: Database, pending: SQL): Promise<{ count: number; start: string }> {
  const row = await queryRow(
    db,
    sql`
      WITH drawn AS MATERIALIZED (SELECT id FROM ${api(db)}memory_items WHERE ${pending})
      SELECT (SELECT count(*) FROM drawn) AS count,
        (SELECT id FROM drawn OFFSET floor(random() * (SELECT count(*) FROM drawn)) LIMIT 1) AS start
    `,
  )
  return { count: toNumber(row.count), start: String(row.start ?? '') }
}

/** Pending rows in the order of ids: from the start to the end, then from the beginning up to the start. */
async function* batches(
  db: Database,
  pending: SQL,
  start: string,
  size: number,
): AsyncGenerator<PendingRow[]> {
  const round: SQL[] = [sql`id >= ${start}::text`, sql`id < ${start}::text`]
  let batch: PendingRow[] = []
  for (const part of round) {
    for (let after: string | undefined, more = true; more; ) {
      const beyond = after === undefined ? sql`true` : sql`id > ${after}::text`
      const wanted = size - batch.length
      const rows = await queryRows(
        db,
        sql`
          SELECT id, text FROM ${api(db)}memory_items
          WHERE ${pending} AND ${part} AND ${beyond} ORDER BY id LIMIT ${wanted}::integer
        `,
      )
      batch.push(...rows.map((row) => ({ id: String(row.id), text: String(row.text) })))
      after = batch.at(-1)?.id
      more = rows.length === wanted
      if (batch.length === size) {
        yield batch
        batch = []
      }
    }
  }
  if (batch.length > 0) yield batch
}

/**
 * Compares and sets. A row that another transaction is writing is passed over, so that nobody waits or deadlocks. The
 * column is the same whether the model is the current or the next one, so that a run outlasts the switch: the database
 * puts the vector where it belongs.
 */
async function writeVectors(
  db: Database,
  embedder: Embedder,
  { pending, modelId }: { readonly pending: SQL; readonly modelId: SQL },
  rows: readonly EmbeddedRow[],
): Promise<number> {
  if (rows.length === 0) return 0
  const given = rows.map(({ id, text, vector }) => ({
    id,
    text,
    embedding: embeddingText(vector, `the vector of "${id}"`),
  }))
  try {
    const write = (transaction: Database) =>
      queryRows(
        transaction,
        sql`
          WITH given AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset(${JSON.stringify(given)}::text::jsonb) AS item (id text, text text, embedding text)
          ),
          unchanged AS MATERIALIZED (
            SELECT id FROM ${api(db)}memory_items AS m
            WHERE EXISTS (SELECT FROM given WHERE given.id = m.id AND given.text = m.text) AND ${pending}
            FOR UPDATE SKIP LOCKED
          )
          UPDATE ${api(db)}memory_items AS m SET embedding = ${api(db)}parse_embedding(given.embedding), embedding_model = ${modelId}
          FROM given JOIN unchanged ON unchanged.id = given.id
          WHERE m.id = given.id
          RETURNING m.id
        `,
      )
    const written = await translatingErrors(() => withEmbeddingModel(db, embedder.model, write))
    return written.length
  } catch (error) {
    // The change was cancelled, or the model is another by now: said in the embedder's words.
    if (error instanceof InvalidInputError) await embedderRole(db, embedder)
    throw error
  }
}
