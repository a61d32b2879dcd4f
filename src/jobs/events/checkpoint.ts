import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { Json } from '../../schema/jobs.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { jsonSql, textSql } from '../parameters.ts'

export interface SaveCheckpointOptions extends Lease {
  /** Any JSON of at most 1 MiB. */
  readonly state: unknown
}

/**
 * Keeps the state of a job for its next attempt, or for when it goes on after a wait; it replaces what was kept before.
 *
 * @throws InvalidInputError for what JSON cannot hold, or more than 1 MiB.
 * @example
 * await saveCheckpoint(db, { id: job.id, leaseToken: job.leaseToken, state: { page: 12 } })
 */
export async function saveCheckpoint(db: Database, options: SaveCheckpointOptions): Promise<SettleOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}save_checkpoint(${leaseSql(options)}, state => ${jsonSql('state', options.state)})`,
  )
}

/**
 * The state that {@link saveCheckpoint} kept for a job; undefined if there is none.
 *
 * @example
 * const { page } = (await getCheckpoint<{ page: number }>(db, { id: job.id })) ?? { page: 0 }
 */
export async function getCheckpoint<T extends Json = Json>(
  db: Database,
  { id }: { readonly id: string },
): Promise<T | undefined> {
  const [row] = await queryRows(db, sql`SELECT ${api(db)}get_checkpoint(${textSql('id', id)})::text AS state`)
  return typeof row?.state === 'string' ? (JSON.parse(row.state) as T) : undefined
}
