import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRow, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { JobStatus } from '../../schema/enums.ts'
import { arraySql, type Duration, durationSql, numberSql, textSql } from '../parameters.ts'
import { type JobFilter, jobFilterSql } from '../reading/job-filter.ts'

export interface PruneOptions {
  /** How long ago a job must have ended: seconds, or an interval such as `'30 days'`. */
  readonly olderThan: Duration
  /** How many at most, 1 to 100000; 1000 by default. */
  readonly batch?: number
  /** Only of this queue. */
  readonly queue?: string
  /** Only jobs that ended so, for example `['completed']`. */
  readonly statuses?: readonly JobStatus[]
  /** Only jobs that this means; `countJobs` says how many there are. */
  readonly filter?: JobFilter
}

const optionKeys = {
  olderThan: true,
  batch: true,
  queue: true,
  statuses: true,
  filter: true,
} satisfies OptionKeys<PruneOptions>

/**
 * Deletes jobs that ended long ago, with their attempts, the oldest first. A job with children stays until they are
 * gone. Small batches keep locks short and leave vacuum time to follow.
 *
 * @returns how many; call it again until that is 0.
 * @throws InvalidInputError for an argument out of range.
 * @example
 * while ((await prune(db, { olderThan: '30 days', batch: 1000 })) > 0);
 */
export async function prune(db: Database, options: PruneOptions): Promise<number> {
  checkOptions(options, optionKeys)
  const { olderThan, batch = 1000, queue, statuses, filter = {} } = options
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}prune(
      older_than => ${durationSql('olderThan', olderThan)},
      batch => ${numberSql('batch', batch, 'int')},
      queue => ${textSql('queue', queue)},
      statuses => ${arraySql('statuses', statuses, 'enum')},
      filter => ${jobFilterSql(filter)}) AS pruned`,
  )
  return toNumber(row.pruned)
}
