import { sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { checkedTime } from '../database/time.ts'

export interface PruneExpiredOptions {
  /** Only memories of this namespace. */
  readonly namespace?: string
  /** Rows a statement, 1 to 10,000; 1,000 by default. */
  readonly batchSize?: number
  /** Only what had expired by then; now by default. What has not expired yet is never deleted. */
  readonly before?: Date | string
  /** Called after each batch with how many rows are gone. */
  readonly onProgress?: (deleted: number) => void
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal
}

const optionKeys = {
  namespace: true,
  batchSize: true,
  before: true,
  onProgress: true,
  signal: true,
} satisfies OptionKeys<PruneExpiredOptions>

/**
 * Deletes the memories that have expired, in batches that each commit, so that no lock is held for long. Searches have
 * not returned them since they expired: this gives their space back. Rows that somebody is writing are left for the next
 * run, so several may run at once.
 *
 * @returns how many are gone.
 * @throws InvalidInputError for a batch size or a time that cannot be.
 * @example
 * const deleted = await pruneExpired(db, { before: new Date(Date.now() - 7 * 86_400_000) })
 */
export async function pruneExpired(db: Database, options: PruneExpiredOptions = {}): Promise<number> {
  checkOptions(options, optionKeys)
  const { namespace = null, onProgress, signal } = options
  const batchSize = checkedInteger(options.batchSize, 'batchSize', { from: 1, to: 10_000, otherwise: 1000 })
  const before = options.before === undefined ? null : checkedTime(options.before, 'before')
  if (namespace !== null) checkText(namespace, 'namespace')
  let deleted = 0
  while (!signal?.aborted) {
    const rows = await queryRows(
      db,
      sql`
        DELETE FROM ${api(db)}memory_items AS m USING (
          SELECT id FROM ${api(db)}memory_items
          WHERE expires_at <= least(now(), ${before}::text::timestamptz)
            AND (${namespace}::text IS NULL OR namespace = ${namespace}::text)
          LIMIT ${batchSize}::integer
          FOR UPDATE SKIP LOCKED
        ) AS expired
        WHERE m.id = expired.id
        RETURNING m.id
      `,
    )
    deleted += rows.length
    if (rows.length > 0) onProgress?.(deleted)
    if (rows.length < batchSize) break
  }
  return deleted
}
