import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { api } from '../database/schema-name.ts'
import type { JobError } from '../schema/jobs.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from './lease.ts'
import { jsonSql, numberSql } from './parameters.ts'

export interface FailOptions extends Lease {
  /** What went wrong: an Error, or a stable `code` and a `message`. */
  readonly error: JobError | Error
  /** False: trying again would not help. True by default: tried again while attempts are left. */
  readonly retryable?: boolean
  /** Pause before the next attempt; by default the job's exponential backoff with jitter. */
  readonly retryInSeconds?: number
}

/**
 * Ends an attempt badly. If it is retryable and attempts are left, the job is pending again after a pause, else failed;
 * cancelled, if somebody had asked for that.
 *
 * @throws InvalidInputError if the error has no message, or cannot be stored.
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

/** An Error as a job keeps it: its own `code` if it has one, else its name. */
export function toJobError(error: unknown): JobError {
  if (error instanceof Error) {
    const { code } = error as { code?: unknown }
    const detail = error.stack === undefined ? {} : { detail: { stack: error.stack } }
    return { code: typeof code === 'string' ? code : error.name, message: error.message, ...detail }
  }
  if (error !== null && typeof error === 'object') return error as JobError
  return { code: 'error', message: String(error) }
}
