import { sql } from 'drizzle-orm'
import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api, apiPrefix } from '../database/schema-name.ts'
import { run } from '../vector-index/build.ts'
import { isEmbedded, nextIndexName, oldIndexName, vectorIndexes } from '../vector-index/catalog.ts'
import { pendingIndexName, refuseTransaction } from './begin-model-change.ts'
import { embeddingModel } from './embedding-model.ts'

export interface SettleOptions {
  /** Rows looked at in one transaction, 1 to 10,000; 500 by default. */
  readonly batchSize?: number
  /** Called after each batch with how many rows have been brought in order. */
  readonly onProgress?: (settled: number) => void
  /** Ends the work after the batch; call again to go on. */
  readonly signal?: AbortSignal
}

/** The keys of `SettleOptions`. */
export const settleKeys = {
  batchSize: true,
  onProgress: true,
  signal: true,
} satisfies OptionKeys<SettleOptions>

/** How often rows that others were writing are tried again. */
const rounds = 5

/**
 * Tidies up after a change of the embedding model: drops the index of the old one, moves each new vector to its place
 * in `embedding` and removes the old, in small transactions. Searches find the same before, during and after.
 * `finishModelChange` and `cancelModelChange` end with this; call it yourself to go on after an interruption.
 *
 * @returns how many rows were brought in order, and how many others were writing all the while.
 * @example
 * const { settled, missed } = await settleEmbeddings(db)
 */
export async function settleEmbeddings(
  db: Database,
  options: SettleOptions = {},
): Promise<{ settled: number; missed: number }> {
  checkOptions(options, settleKeys)
  const { signal, onProgress } = options
  const batchSize = checkedInteger(options.batchSize, 'batchSize', { from: 1, to: 10_000, otherwise: 500 })
  refuseTransaction(db, 'settleEmbeddings')
  await dropLeftIndexes(db)
  let settled = 0
  let missed = 0
  for (let round = 0; round < rounds; round++) {
    missed = 0
    for (let after: string | null = null; ; ) {
      if (signal?.aborted) return { settled, missed }
      const [row] = await queryRows(
        db,
        sql`SELECT * FROM ${api(db)}settle_embeddings(${after}::text, ${batchSize}::integer)`,
      )
      settled += toNumber(row?.settled)
      missed += toNumber(row?.missed)
      if (toNumber(row?.settled) > 0) onProgress?.(settled)
      if (row?.last_id == null) break
      after = String(row.last_id)
    }
    if (missed === 0) break
  }
  return { settled, missed }
}

/** Indexes of models that are neither searched nor filled any more. */
export async function dropLeftIndexes(db: Database): Promise<void> {
  const { next } = await embeddingModel(db)
  const indexes = await vectorIndexes(db)
  const how = (await isEmbedded(db)) ? '' : 'CONCURRENTLY '
  const left = [oldIndexName, ...(next === null ? [nextIndexName] : [])].filter((name) => indexes.has(name))
  const pending = await queryRows(
    db,
    sql`
      SELECT index.relname AS name FROM pg_index AS entry JOIN pg_class AS index ON index.oid = entry.indexrelid
      WHERE entry.indrelid = '${api(db)}memory_items'::regclass AND index.relname ~ '^memory_items_embedding_pending_[0-9]+_idx$'
        AND index.relname IS DISTINCT FROM ${next === null ? null : pendingIndexName(next.id)}::text
    `,
  )
  for (const name of [...left, ...pending.map((row) => String(row.name))]) {
    await run(db, `DROP INDEX ${how}IF EXISTS ${apiPrefix(db)}${name}`)
  }
}
