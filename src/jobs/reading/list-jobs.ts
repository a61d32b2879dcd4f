import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { readRows } from '../../database/replicas.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import type { ExecutionMode, JobStatus } from '../../schema/enums.ts'
import type { Job } from '../../schema/jobs.ts'
import { selectionOf, wholeJob } from '../job-row.ts'
import { arraySql, momentSql, numberSql, textSql } from '../parameters.ts'

/** Every filter that is given must hold. */
export interface ListJobsOptions<K extends keyof Job = keyof Job> {
  readonly queue?: string
  /** Jobs in any of these. */
  readonly statuses?: readonly JobStatus[]
  readonly intent?: string
  readonly modes?: readonly ExecutionMode[]
  /** Who holds, or last held, its lease. */
  readonly workerId?: string
  readonly parentId?: string
  readonly rootId?: string
  readonly traceId?: string
  /** Created at or after this. */
  readonly since?: Date | string
  /** Created before this. */
  readonly until?: Date | string
  /** 1 to 1000; 50 by default. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
  /** Which columns of the jobs are wanted beside `id`; all by default. Large documents cost nothing if they are not. */
  readonly columns?: readonly K[]
}

const optionKeys = {
  queue: true,
  statuses: true,
  intent: true,
  modes: true,
  workerId: true,
  parentId: true,
  rootId: true,
  traceId: true,
  since: true,
  until: true,
  limit: true,
  after: true,
  columns: true,
} satisfies OptionKeys<ListJobsOptions>

export interface JobPage<K extends keyof Job = keyof Job> {
  readonly items: Pick<Job, K | 'id'>[]
  /** What to pass as `after` for the next page; null on the last. */
  readonly next: string | null
}

/**
 * Lists jobs, the newest first, a page at a time. Pages are found by key, so the thousandth costs what the first does.
 *
 * @throws InvalidInputError for a limit out of range, or an `after` whose job is gone.
 * @example
 * const { items, next } = await listJobs(db, { statuses: ['failed'], limit: 20, columns: ['intent', 'error'] })
 */
export async function listJobs<K extends keyof Job = keyof Job>(
  db: Database,
  options: ListJobsOptions<K> = {},
): Promise<JobPage<K>> {
  checkOptions(options, optionKeys)
  const { limit = 50, columns } = options
  const { list, decode } = columns ? selectionOf(['id', ...columns]) : wholeJob
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new InvalidInputError(`limit must be a whole number from 1 to 1000, got ${String(limit)}`)
  }
  const rows = await readRows(
    db,
    sql`SELECT ${sql.raw(list)} FROM ${api(db)}list_jobs(
      queue => ${textSql('queue', options.queue)},
      statuses => ${arraySql('statuses', options.statuses, 'enum')},
      intent => ${textSql('intent', options.intent)},
      modes => ${arraySql('modes', options.modes, 'enum')},
      worker_id => ${textSql('workerId', options.workerId)},
      parent_id => ${textSql('parentId', options.parentId)},
      root_id => ${textSql('rootId', options.rootId)},
      trace_id => ${textSql('traceId', options.traceId)},
      since => ${momentSql('since', options.since)},
      until => ${momentSql('until', options.until)},
      after_id => ${textSql('after', options.after)},
      page_size => ${numberSql('limit', limit + 1, 'int')})`,
  )
  const items = rows.slice(0, limit).map((row) => decode(row) as Pick<Job, K | 'id'>)
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}
