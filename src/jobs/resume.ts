import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { api } from '../database/schema-name.ts'
import { callForOutcome } from './lease.ts'
import { jsonSql, textSql } from './parameters.ts'

/** `wrong_status`: the job does not wait, or not for this. */
export type ResumeOutcome = 'ok' | 'wrong_status' | 'not_found'

export interface ResumeOptions {
  readonly id: string
  /** What the job waited for: anything that JSON can hold. */
  readonly response?: unknown
}

/**
 * Ends the waiting of a job, whatever it waits for. The next worker finds the response in `requiredAction.response`.
 *
 * @example
 * await resume(db, { id, response: { colour: 'blue' } })
 */
export async function resume(db: Database, { id, response }: ResumeOptions): Promise<ResumeOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}resume(job_id => ${textSql('id', id)}, response => ${jsonSql('response', response)})`,
  )
}
