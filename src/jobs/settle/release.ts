import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'

/**
 * Gives a job back undone, for anybody to claim at once; the attempt does not count. If its cancellation was asked for,
 * the job is cancelled and the answer `cancelled`: this is how a worker obeys.
 *
 * @example
 * process.once('SIGTERM', () => release(db, { id: job.id, leaseToken: job.leaseToken }))
 */
export async function release(db: Database, lease: Lease): Promise<SettleOutcome> {
  return callForOutcome(db, sql`${api(db)}release(${leaseSql(lease)})`)
}
