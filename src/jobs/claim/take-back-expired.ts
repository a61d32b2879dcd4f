import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRow, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { numberSql, textSql } from '../parameters.ts'

export interface TakeBackExpiredOptions {
  /** 'default' by default. */
  readonly queue?: string
  /** How many leases, and how many jobs past their deadline, at most; 100 by default. */
  readonly limit?: number
}

/**
 * Takes back leases that ran out, and ends waits that expired and jobs past their deadline. `claim` does this by itself:
 * call it for a queue that nobody claims from.
 *
 * @returns how many jobs changed.
 * @example
 * await takeBackExpired(db, { queue: 'documents' })
 */
export async function takeBackExpired(db: Database, options: TakeBackExpiredOptions = {}): Promise<number> {
  checkOptions(options, { queue: true, limit: true } satisfies OptionKeys<TakeBackExpiredOptions>)
  const { queue = 'default', limit = 100 } = options
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}take_back_expired(queue => ${textSql('queue', queue)}, max_jobs => ${numberSql('limit', limit, 'int')}) AS jobs`,
  )
  return toNumber(row.jobs)
}
