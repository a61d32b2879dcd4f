import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryPrepared } from '../database/prepared.ts'
import { onlyRow } from '../database/rows.ts'
import { InvalidInputError } from '../errors.ts'
import { numberValue } from './parameters.ts'

/**
 * The right to work on a job: its id and the token of the lease. What {@link claim} gives is one. The token grows with
 * every lease of the job, so an old one is told apart from the current one for ever.
 */
export interface Lease {
  readonly id: string
  readonly leaseToken: number
}

/**
 * What became of a call about a lease. `ok`: done. `stale_lease`: the lease was taken back or is settled, nothing
 * changed, stop working. `locked`: another transaction holds the job's row, nothing changed and nothing was waited for;
 * the lease is still yours, try again soon (only from calls that settle many, and `completeAndClaim`). `cancelled`: the
 * job is, or is to be, cancelled. `not_found`: there is no such job.
 */
export type SettleOutcome = 'ok' | 'stale_lease' | 'locked' | 'cancelled' | 'not_found'

/** The first two arguments of every SQL function about a lease. */
export function leaseSql(lease: Lease): SQL {
  const [id, token] = leaseValues(lease)
  return sql`job_id => ${id}::text, lease_token => ${token}::text::bigint`
}

/** The same for {@link leaseArguments}. */
export function leaseValues({ id, leaseToken }: Lease): [id: string, leaseToken: string | null] {
  if (typeof id !== 'string') throw new InvalidInputError(`id must be a string, got ${typeof id}`)
  if (leaseToken === undefined || leaseToken === null) {
    throw new InvalidInputError(`leaseToken must be a whole number, got ${String(leaseToken)}`)
  }
  return [id, numberValue('leaseToken', leaseToken, 'bigint')]
}

/** Those two arguments in a ready-made statement, of which they are the first parameters. */
export const leaseArguments = 'job_id => $1::text, lease_token => $2::text::bigint'

/** Calls a function that answers with one word. */
export async function callForOutcome<T extends string | boolean>(db: Database, call: SQL): Promise<T> {
  const row = onlyRow(await queryPrepared(db, sql`SELECT ${call} AS outcome`))
  return row.outcome as T
}
