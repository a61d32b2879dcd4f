import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome, type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { numberSql, textSql } from '../parameters.ts'

export interface AddUsageOptions extends Lease {
  readonly model: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** In whatever currency the caller counts. */
  readonly cost?: number
}

/**
 * Adds to what a job has cost: `usage` keeps the totals and the share of each model. The answer `cancelled` means that
 * somebody asked for its cancellation while it runs; the usage is counted, for it was spent.
 *
 * @throws InvalidInputError for a number below 0.
 * @example
 * await addUsage(db, { id: job.id, leaseToken: job.leaseToken, model: 'small-1', inputTokens: 1200, outputTokens: 80, cost: 0.0021 })
 */
export async function addUsage(db: Database, options: AddUsageOptions): Promise<SettleOutcome> {
  const { model, inputTokens = 0, outputTokens = 0, cost = 0 } = options
  return callForOutcome(
    db,
    sql`${api(db)}add_usage(${leaseSql(options)}, model => ${textSql('model', model)},
      input_tokens => ${numberSql('inputTokens', inputTokens, 'bigint')},
      output_tokens => ${numberSql('outputTokens', outputTokens, 'bigint')},
      cost => ${numberSql('cost', cost, 'numeric')})`,
  )
}
