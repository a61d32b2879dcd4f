import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { numberSql, textSql } from '../parameters.ts'

export interface ReportProgressOptions extends Lease {
  /** 0 to 1; unchanged if it is not given. */
  readonly progress?: number
  /** What the job is doing, for people; unchanged if it is not given. */
  readonly message?: string
}

/**
 * Says how far a job is. The answer `cancelled` means that somebody asked for its cancellation while it runs.
 *
 * @throws InvalidInputError for a progress out of range.
 * @example
 * await reportProgress(db, { id: job.id, leaseToken: job.leaseToken, progress: 0.5, message: 'page 10 of 20' })
 */
export async function reportProgress(db: Database, options: ReportProgressOptions): Promise<SettleOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}report_progress(${leaseSql(options)}, progress => ${numberSql('progress', options.progress, 'float8')},
      message => ${textSql('message', options.message)})`,
  )
}
