import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions } from '../../database/options.ts'
import { readRows } from '../../database/replicas.ts'
import { type Row, toNumber, toNumberOrNull } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { ExecutionMode } from '../../schema/enums.ts'
import { durationSql, textSql } from '../parameters.ts'
import { type StatsOptions, statsKeys } from './queue-stats.ts'

/** Seconds; null where no job has the time in question (one that never started has no running time). */
export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface LatencyStats {
  readonly queue: string
  readonly intent: string
  readonly mode: ExecutionMode
  /** How many ended within the period. */
  readonly jobs: number
  /** How many of them failed. */
  readonly failed: number
  readonly perSecond: number
  /** From `runAt` to the last start. */
  readonly queued: Percentiles
  /** From the last start to the end. */
  readonly running: Percentiles
  /** From its acceptance to the end. */
  readonly total: Percentiles
}

/**
 * Throughput and latency of the jobs that ended within the last `period` (an hour by default), by queue, intent and
 * mode.
 *
 * @example
 * const slow = (await latencyStats(db, { period: '1 day' })).filter(({ running }) => (running.p95 ?? 0) > 60)
 */
export async function latencyStats(db: Database, options: StatsOptions = {}): Promise<LatencyStats[]> {
  checkOptions(options, statsKeys)
  const { queue, period = '1 hour' } = options
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}latency_stats(queue => ${textSql('queue', queue)}, period => ${durationSql('period', period)})`,
  )
  return rows.map((row) => ({
    queue: row.queue_name as string,
    intent: row.intent as string,
    mode: row.mode as ExecutionMode,
    jobs: toNumber(row.jobs),
    failed: toNumber(row.failed),
    perSecond: toNumber(row.per_second),
    queued: percentiles(row, 'queued'),
    running: percentiles(row, 'running'),
    total: percentiles(row, 'total'),
  }))
}

function percentiles(row: Row, name: string): Percentiles {
  return {
    p50: toNumberOrNull(row[`${name}_p50`]),
    p95: toNumberOrNull(row[`${name}_p95`]),
    p99: toNumberOrNull(row[`${name}_p99`]),
  }
}
