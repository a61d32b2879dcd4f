import { sql } from 'drizzle-orm'
import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'

export interface SearchDictionaryStatus {
  /** False where this server would take texts apart otherwise than they are stored: call `reindexSearch`. */
  readonly isCurrent: boolean
  /** Major version of the server that the memories were indexed by, and of this one. */
  readonly indexedVersion: number
  readonly serverVersion: number
  /** The id up to which a reindex in progress has come; null where there is none. */
  readonly reindexedTo: string | null
}

export interface ReindexSearchOptions {
  /** How many memories a statement looks at, 1 to 10,000; 500 by default. */
  readonly batchSize?: number
  /** Called after each batch with what was done so far. */
  readonly onProgress?: (progress: ReindexSearchResult) => void
}

export interface ReindexSearchResult {
  /** How many memories were looked at, and how many of them had other lexemes than today's. */
  readonly lookedAt: number
  readonly updated: number
}

/**
 * Whether the stored lexemes of the memories are what this server would make of their texts today. After an upgrade of the
 * server in place they may not be, because newer stemmers take some words apart otherwise.
 *
 * @example
 * if (!(await searchDictionaryStatus(db)).isCurrent) await reindexSearch(db)
 */
export async function searchDictionaryStatus(db: Database): Promise<SearchDictionaryStatus> {
  const [row] = await queryRows(db, sql`SELECT * FROM ${api(db)}search_dictionary_status()`)
  return {
    isCurrent: row?.is_current === true,
    indexedVersion: toNumber(row?.indexed_version),
    serverVersion: toNumber(row?.server_version),
    reindexedTo: row?.reindexed_to == null ? null : String(row.reindexed_to),
  }
}

/**
 * Makes the stored lexemes of all memories anew, batch after batch, while searches and writes go on; memories whose lexemes are
 * right are not written. The statistics stay exact. Each batch is a statement of its own: after an interruption the next call
 * goes on where the last one stopped (unless it runs in a transaction of the caller's).
 *
 * @throws InvalidInputError for a batchSize out of range; DatabaseError for a role that may not.
 * @example
 * await reindexSearch(db, { onProgress: ({ lookedAt, updated }) => console.log(lookedAt, updated) })
 */
export async function reindexSearch(
  db: Database,
  options: ReindexSearchOptions = {},
): Promise<ReindexSearchResult> {
  const { batchSize, onProgress } = options
  const size = String(checkedInteger(batchSize, 'batchSize', { from: 1, to: 10_000, otherwise: 500 }))
  let lookedAt = 0
  let updated = 0
  for (;;) {
    const [row] = await queryRows(db, sql`SELECT * FROM ${api(db)}reindex_search(${size}::text::integer)`)
    lookedAt += toNumber(row?.looked_at)
    updated += toNumber(row?.updated)
    onProgress?.({ lookedAt, updated })
    if (row?.is_done !== false) return { lookedAt, updated }
  }
}
