import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
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
  { id, runAt, priority, inputs }: ChangeJobOptions,
): Promise<'ok' | 'wrong_status' | 'not_found'> {
  return callForOutcome(
    db,
    sql`${api(db)}change_job(job_id => ${textSql('id', id)}, run_at => ${momentSql('runAt', runAt)},
      priority => ${numberSql('priority', priority, 'int')}, inputs => ${jsonSql('inputs', inputs)})`,
  )
}
