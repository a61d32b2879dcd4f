import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRow, queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'

/**
 * Adds what has been written to the statistics of keyword search, from which reading is fastest. Writers do this
 * themselves at COMMIT, every two thousand memories or sixteen bulk statements; those whose transactions are REPEATABLE
 * READ or SERIALIZABLE leave it to others. Where nobody else writes, call this now and then. Waits for nobody, and must
 * not be called in such a transaction itself.
 *
 * @returns how many changes were added; 0 if there were none, or if somebody else is at it.
 * @throws DatabaseError for a role that may not.
 * @example
 * await foldSearchStatistics(db)
 */
export async function foldSearchStatistics(db: Database): Promise<number> {
  const row = await queryRow(db, sql`SELECT ${api(db)}fold_search_statistics() AS folded`)
  return toNumber(row.folded)
}

/**
 * Counts the statistics of keyword search anew, from the memories themselves, while others read and write. Never needed
 * where memories are written by statements; call it on a subscriber of logical replication, and after writing with
 * triggers disabled.
 *
 * @throws DatabaseError for a role that may not.
 * @example
 * await rebuildSearchStatistics(db)
 */
export async function rebuildSearchStatistics(db: Database): Promise<void> {
  await queryRows(db, sql`SELECT ${api(db)}rebuild_search_statistics()`)
}
