import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { jsonSql, momentSql, numberSql, textSql } from '../parameters.ts'

export interface ChangeJobOptions {
  readonly id: string
  readonly runAt?: Date | string
  /** -32768 to 32767, higher first. */
  readonly priority?: number
  readonly inputs?: Readonly<Record<string, unknown>>
}

const optionKeys = {
  id: true,
  runAt: true,
  priority: true,
  inputs: true,
} satisfies OptionKeys<ChangeJobOptions>

/**
 * Changes a job that is pending: when it may run, its priority, its inputs. What is not given stays.
 *
 * @returns `wrong_status` if it is not pending (any more).
 * @throws InvalidInputError for something out of range.
 * @example
 * await changeJob(db, { id, priority: 5, runAt: new Date(Date.now() + 3_600_000) })
 */
export async function changeJob(
  db: Database,
  options: ChangeJobOptions,
): Promise<'ok' | 'wrong_status' | 'not_found'> {
  checkKeys(options, optionKeys)
  const { id, runAt, priority, inputs } = options
  return callForOutcome(
    db,
    sql`${api(db)}change_job(job_id => ${textSql('id', id)}, run_at => ${momentSql('runAt', runAt)},
      priority => ${numberSql('priority', priority, 'int')}, inputs => ${jsonSql('inputs', inputs)})`,
  )
}
