import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { type Duration, durationSql, numberSql, textSql } from '../parameters.ts'

export interface JobLimitOptions {
  /** 'default' by default. */
  readonly queue?: string
  /** The `limitKey` of the jobs, for example `user:ana` or `model:large`; `'*'` is every key without a rule of its own. */
  readonly key: string
  /** At most so many running at the same time. */
  readonly maxRunning?: number
  /** At most `limit` jobs started in a `period` (a second by default), `burst` of them at once after a rest (`limit` by default). */
  readonly rate?: { readonly limit: number; readonly period?: Duration; readonly burst?: number }
}

const optionKeys = {
  queue: true,
  key: true,
  maxRunning: true,
  rate: true,
} satisfies OptionKeys<JobLimitOptions>
const rateKeys = { limit: true, period: true, burst: true } satisfies OptionKeys<
  NonNullable<JobLimitOptions['rate']>
>

/**
 * Limits the jobs of a key: how many run at the same time, and how many start in a period. It is counted where jobs are
 * claimed, exactly, however many workers there are; jobs of a key at its limit are skipped and wait for their turn. The
 * rule that was there is replaced.
 *
 * @throws InvalidInputError for a number out of range, or without any limit.
 * @example
 * await setJobLimit(db, { queue: 'agents', key: '*', maxRunning: 5, rate: { limit: 60, period: '1 minute', burst: 10 } })
 */
export async function setJobLimit(db: Database, options: JobLimitOptions): Promise<void> {
  checkOptions(options, optionKeys)
  if (options.rate !== undefined) checkOptions(options.rate, rateKeys, 'rate')
  const { queue = 'default', key, maxRunning, rate } = options
  await queryRows(
    db,
    sql`SELECT ${api(db)}set_job_limit(queue => ${textSql('queue', queue)}, limit_key => ${textSql('key', key)},
      max_running => ${numberSql('maxRunning', maxRunning, 'int')},
      rate_limit => ${numberSql('rate.limit', rate?.limit, 'float8')},
      rate_period => ${durationSql('rate.period', rate?.period ?? 1)},
      rate_burst => ${numberSql('rate.burst', rate?.burst, 'int')})`,
  )
}

/**
 * Takes the rule of a key away; the key then follows the rule of `'*'`, if there is one.
 *
 * @returns whether there was a rule.
 * @example
 * await dropJobLimit(db, { queue: 'agents', key: 'user:ana' })
 */
export async function dropJobLimit(
  db: Database,
  options: Pick<JobLimitOptions, 'queue' | 'key'>,
): Promise<boolean> {
  checkOptions(options, { queue: true, key: true })
  const { queue = 'default', key } = options
  return callForOutcome(
    db,
    sql`${api(db)}drop_job_limit(queue => ${textSql('queue', queue)}, limit_key => ${textSql('key', key)})`,
  )
}
