import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { readRows } from '../../database/replicas.ts'
import { toDateOrNull, toNumber, toNumberOrNull } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { type Duration, durationSql, textSql } from '../parameters.ts'

export interface StatsOptions {
  /** Only this queue; every one by default. */
  readonly queue?: string
  /** How far back to look: seconds, or an interval such as `'15 minutes'`. */
  readonly period?: Duration
}

export const statsKeys = { queue: true, period: true } satisfies OptionKeys<StatsOptions>

export interface QueueStats {
  readonly queue: string
  /** ready + scheduled. */
  readonly pending: number
  /** May run at once. */
  readonly ready: number
  /** Have a `runAt` in the future, retries among them. */
  readonly scheduled: number
  readonly running: number
  readonly waiting: number
  /** Ended so within the period, like the next two. */
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  /** Jobs that ended within the period, by its length. */
  readonly perSecond: number
  readonly oldestPendingAt: Date | null
  /** How long the first in line has been ready. */
  readonly oldestReadySeconds: number | null
}

/**
 * How each queue is doing now, and what it did in the last `period` (an hour by default).
 *
 * @example
 * const [documents] = await queueStats(db, { queue: 'documents', period: '15 minutes' })
 */
export async function queueStats(db: Database, options: StatsOptions = {}): Promise<QueueStats[]> {
  checkOptions(options, statsKeys)
  const { queue, period = '1 hour' } = options
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}queue_stats(queue => ${textSql('queue', queue)}, period => ${durationSql('period', period)})`,
  )
  return rows.map((row) => ({
    queue: row.queue_name as string,
    pending: toNumber(row.pending),
    ready: toNumber(row.ready),
    scheduled: toNumber(row.scheduled),
    running: toNumber(row.running),
    waiting: toNumber(row.waiting),
    completed: toNumber(row.completed),
    failed: toNumber(row.failed),
    cancelled: toNumber(row.cancelled),
    perSecond: toNumber(row.per_second),
    oldestPendingAt: toDateOrNull(row.oldest_pending_at),
    oldestReadySeconds: toNumberOrNull(row.oldest_ready_seconds),
  }))
}
