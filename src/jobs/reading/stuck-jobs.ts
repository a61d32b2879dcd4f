import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { readRows } from '../../database/replicas.ts'
import { toDate } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { ExecutionMode, JobStatus } from '../../schema/enums.ts'
import { type Duration, durationSql, numberSql, textSql } from '../parameters.ts'

export interface StuckJobsOptions {
  /** Only this queue; every one by default. */
  readonly queue?: string
  /** How long is too long: seconds, or an interval; `'15 minutes'` by default. */
  readonly longerThan?: Duration
  /** 100 by default. */
  readonly limit?: number
}

const optionKeys = { queue: true, longerThan: true, limit: true } satisfies OptionKeys<StuckJobsOptions>

export interface StuckJob {
  readonly id: string
  /**
   * `lease_expired`: its worker is gone and nobody takes it back. `ignores_cancel`, `runs_long`, `waits_long`,
   * `not_picked_up`: for too long. `past_deadline`: unfinished after its deadline.
   */
  readonly reason:
    | 'lease_expired'
    | 'ignores_cancel'
    | 'past_deadline'
    | 'runs_long'
    | 'waits_long'
    | 'not_picked_up'
  readonly queue: string
  readonly intent: string
  readonly mode: ExecutionMode
  readonly status: JobStatus
  readonly workerId: string | null
  /** Since when. */
  readonly since: Date
}

/**
 * Jobs that do not go on, the longest first, one for each reason.
 *
 * @example
 * for (const { id, reason, since } of await stuckJobs(db, { longerThan: '1 hour' })) console.warn(id, reason, since)
 */
export async function stuckJobs(db: Database, options: StuckJobsOptions = {}): Promise<StuckJob[]> {
  checkOptions(options, optionKeys)
  const { queue, longerThan = '15 minutes', limit = 100 } = options
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}stuck_jobs(queue => ${textSql('queue', queue)},
      longer_than => ${durationSql('longerThan', longerThan)}, max_jobs => ${numberSql('limit', limit, 'int')})`,
  )
  return rows.map((row) => ({
    id: row.id as string,
    reason: row.reason as StuckJob['reason'],
    queue: row.queue_name as string,
    intent: row.intent as string,
    mode: row.mode as ExecutionMode,
    status: row.status as JobStatus,
    workerId: row.worker_id as string | null,
    since: toDate(row.since),
  }))
}
