import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { promisedRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { toJobError } from '../job-error.ts'
import type { SettleOutcome } from '../lease.ts'
import { arraySql, jsonText, numberValue } from '../parameters.ts'
import type { FailOptions } from './fail.ts'

/**
 * Fails many jobs in one statement. Each is settled, or refused, on its own, as by {@link fail}; `locked` means that another
 * transaction holds the job's row, and that it should be failed again soon.
 *
 * @returns what became of each, in the order given.
 * @throws InvalidInputError if an error has no message or cannot be stored; then none is settled.
 * @example
 * await failMany(db, { jobs: jobs.map(({ id, leaseToken }) => ({ id, leaseToken, error: new Error('the model is down') })) })
 */
export async function failMany(
  db: Database,
  { jobs }: { readonly jobs: readonly FailOptions[] },
): Promise<{ readonly id: string; readonly outcome: SettleOutcome }[]> {
  if (jobs.length === 0) return []
  const column = <T>(read: (job: FailOptions) => T) => jobs.map(read)
  const rows = await queryPrepared(
    db,
    sql`SELECT id, outcome FROM ${api(db)}fail_many(
      job_ids => ${arraySql(
        'jobs',
        column(({ id }) => id),
        'text',
      )},
      lease_tokens => ${arraySql(
        'jobs',
        column(({ leaseToken }) => leaseToken),
        'bigint',
      )},
      errors => ${arraySql(
        'jobs',
        column(({ error }) => jsonText('error', toJobError(error))),
        'jsonb',
      )},
      retryable => ${arraySql(
        'jobs',
        column(({ retryable = true }) => String(retryable)),
        'boolean',
      )},
      retry_in_seconds => ${arraySql(
        'jobs',
        column(({ retryInSeconds }) => numberValue('retryInSeconds', retryInSeconds, 'float8')),
        'float8',
      )})`,
  )
  return promisedRows(rows, jobs.length) as { id: string; outcome: SettleOutcome }[]
}
