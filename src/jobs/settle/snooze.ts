import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { numberSql } from '../parameters.ts'

export interface SnoozeOptions extends Lease {
  /** 0 to a year. */
  readonly delaySeconds: number
}

/**
 * Gives a job back for later; the attempt does not count. If its cancellation was asked for, the job is cancelled.
 *
 * @throws InvalidInputError for a delay out of range.
 * @example
 * await snooze(db, { id: job.id, leaseToken: job.leaseToken, delaySeconds: 300 })
 */
export async function snooze(db: Database, options: SnoozeOptions): Promise<SettleOutcome> {
  const delay = numberSql('delaySeconds', options.delaySeconds, 'float8')
  return callForOutcome(db, sql`${api(db)}snooze(${leaseSql(options)}, delay_seconds => ${delay})`)
}
