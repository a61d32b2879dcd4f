import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { jsonSql } from '../parameters.ts'

export interface AddJobOutputOptions extends Lease {
  /** Any JSON of at most 64 KiB. */
  readonly output: unknown
}

/**
 * Adds a part of a job's output for whoever watches it (`watchJob`): the words of a model as they come, a line of a log.
 * The latest 1,000 events of a job are kept. It is no part of the job's result.
 *
 * @throws InvalidInputError for what JSON cannot hold, or more than 64 KiB.
 * @example
 * for await (const words of stream) await addJobOutput(db, { id: job.id, leaseToken: job.leaseToken, output: words })
 */
export async function addJobOutput(db: Database, options: AddJobOutputOptions): Promise<SettleOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}add_job_output(${leaseSql(options)}, output => ${jsonSql('output', options.output)})`,
  )
}
