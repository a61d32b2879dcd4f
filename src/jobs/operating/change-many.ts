import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRow, queryRows, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { JobStatus } from '../../schema/enums.ts'
import { momentSql, numberSql } from '../parameters.ts'
import { type JobFilter, jobFilterSql } from '../reading/job-filter.ts'

export interface ChangeManyOptions {
  /** Which jobs; an empty filter means all of them. */
  readonly filter: JobFilter
  /** How many at most in this call, 1 to 100000; 1000 by default. */
  readonly limit?: number
}

const changeKeys = { filter: true, limit: true } satisfies OptionKeys<ChangeManyOptions>

/**
 * How many jobs a filter means, by status: look before you cancel, retry or prune them.
 *
 * @throws InvalidInputError for a filter with an unknown key, or one that is present and undefined.
 * @example
 * const { failed = 0 } = await countJobs(db, { filter: { queue: 'documents', errorCode: 'timeout' } })
 */
export async function countJobs(
  db: Database,
  options: Pick<ChangeManyOptions, 'filter'>,
): Promise<Partial<Record<JobStatus, number>>> {
  checkOptions(options, { filter: true })
  const { filter } = options
  const rows = await queryRows(
    db,
    sql`SELECT status, jobs FROM ${api(db)}count_jobs(${jobFilterSql(filter)})`,
  )
  return Object.fromEntries(rows.map(({ status, jobs }) => [status, toNumber(jobs)]))
}

/**
 * Cancels the unfinished jobs that a filter means, running ones by request, as `cancel` does; their descendants are not
 * meant with them (`rootId` means a tree).
 *
 * @returns how many; call it again until that is 0.
 * @throws InvalidInputError as {@link countJobs}.
 * @example
 * while ((await cancelJobs(db, { filter: { queue: 'documents', intent: 'embed' } })) > 0);
 */
export async function cancelJobs(db: Database, options: ChangeManyOptions): Promise<number> {
  checkOptions(options, changeKeys)
  const { filter, limit } = options
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}cancel_jobs(${jobFilterSql(filter)}, max_jobs => ${numberSql('limit', limit ?? 1000, 'int')}) AS jobs`,
  )
  return toNumber(row.jobs)
}

/**
 * Runs the failed and cancelled jobs that a filter means again, as `retry` does, without their descendants.
 *
 * @returns how many; call it again until that is 0.
 * @throws InvalidInputError as {@link countJobs}.
 * @example
 * while ((await retryJobs(db, { filter: { queue: 'documents', errorCode: 'timeout' } })) > 0);
 */
export async function retryJobs(
  db: Database,
  options: ChangeManyOptions & { /** Not before this; now by default. */ readonly runAt?: Date | string },
): Promise<number> {
  checkOptions(options, { ...changeKeys, runAt: true })
  const { filter, limit, runAt } = options
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}retry_jobs(${jobFilterSql(filter)}, max_jobs => ${numberSql('limit', limit ?? 1000, 'int')},
      run_at => ${momentSql('runAt', runAt)}) AS jobs`,
  )
  return toNumber(row.jobs)
}
