import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { momentSql, textSql } from '../parameters.ts'

/**
 * `wrong_status`: it is not failed or cancelled. `conflict`: another unfinished job has the singleton key of it or of a
 * descendant.
 */
export type RetryOutcome = 'ok' | 'wrong_status' | 'conflict' | 'not_found'

export interface RetryOptions {
  readonly id: string
  /** Not before this; now by default. */
  readonly runAt?: Date | string
  /** What failed or was cancelled below it runs again as well, and what was completed is kept; true by default. */
  readonly cascade?: boolean
}

const optionKeys = { id: true, runAt: true, cascade: true } satisfies OptionKeys<RetryOptions>

/**
 * Runs a failed or cancelled job again, from its first attempt. What happened before stays in its attempts; a deadline
 * that is past is taken away. A job that failed because a child did waits for its children again.
 *
 * @throws InvalidInputError for an unknown option.
 * @example
 * const outcome = await retry(db, { id })
 */
export async function retry(db: Database, options: RetryOptions): Promise<RetryOutcome> {
  checkKeys(options, optionKeys)
  const { id, runAt, cascade = true } = options
  return callForOutcome(
    db,
    sql`${api(db)}retry(job_id => ${textSql('id', id)}, run_at => ${momentSql('runAt', runAt)},
      cascade => ${String(cascade)}::text::boolean)`,
  )
}
