import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions } from '../../database/options.ts'
import { readRows } from '../../database/replicas.ts'
import { toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { durationSql, textSql } from '../parameters.ts'
import { type StatsOptions, statsKeys } from './queue-stats.ts'

export interface UsageStats {
  readonly model: string
  /** How many jobs used it. */
  readonly jobs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost: number
}

/**
 * What each model cost: the usage of the jobs that ended within the last `period` (a day by default) and of those that
 * have not ended, the dearest model first.
 *
 * @example
 * const [dearest] = await usageStats(db, { period: '30 days' })
 */
export async function usageStats(db: Database, options: StatsOptions = {}): Promise<UsageStats[]> {
  checkOptions(options, statsKeys)
  const { queue, period = '1 day' } = options
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}usage_stats(queue => ${textSql('queue', queue)}, period => ${durationSql('period', period)})`,
  )
  return rows.map((row) => ({
    model: row.model as string,
    jobs: toNumber(row.jobs),
    inputTokens: toNumber(row.input_tokens),
    outputTokens: toNumber(row.output_tokens),
    cost: toNumber(row.cost),
  }))
}
