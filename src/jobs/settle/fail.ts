import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { toJobError } from '../job-error.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { jsonSql, numberSql } from '../parameters.ts'

export interface FailOptions extends Lease {
  /** What went wrong: anything that was thrown, or a stable `code` and a `message`. */
  readonly error: unknown
  /** False: trying again would not help. True by default: tried again while attempts are left. */
  readonly retryable?: boolean
  /** Pause before the next attempt; by default the job's exponential backoff with jitter. */
  readonly retryInSeconds?: number
}

/**
 * Fails the current attempt. If it is retryable and attempts are left, the job is pending again after a pause, else
 * failed; cancelled, if somebody had asked for that. The error is stored as well as it can be: name or code, message,
 * stack, cause, the errors of an AggregateError; what PostgreSQL's JSON cannot hold is replaced, what is long is cut.
 *
 * @throws InvalidInputError for a pause out of range.
 * @example
 * await fail(db, { id: job.id, leaseToken: job.leaseToken, error: { code: 'timeout', message: 'no answer in 30 s' } })
 */
export async function fail(db: Database, options: FailOptions): Promise<SettleOutcome> {
  const { error, retryable = true, retryInSeconds } = options
  return callForOutcome(
    db,
    sql`${api(db)}fail(${leaseSql(options)}, error => ${jsonSql('error', toJobError(error))},
      retryable => ${String(retryable)}::text::boolean,
      retry_in_seconds => ${numberSql('retryInSeconds', retryInSeconds, 'float8')})`,
  )
}
