import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from './lease.ts'
import { jsonSql } from './parameters.ts'

export interface CompleteOptions extends Lease {
  /** What came of it: anything that JSON can hold. */
  readonly result?: unknown
}

/**
 * Ends a job well. Only the holder of its current lease can: a worker that was given up, and whose job another one has
 * now, gets `stale_lease` and has changed nothing.
 *
 * @throws InvalidInputError if the result cannot be stored.
 * @example
 * const outcome = await complete(db, { id: job.id, leaseToken: job.leaseToken, result: { summary } })
 */
export async function complete(db: Database, options: CompleteOptions): Promise<SettleOutcome> {
  return callForOutcome(
    db,
    sql`public.complete(${leaseSql(options)}, result => ${jsonSql('result', options.result)})`,
  )
}
