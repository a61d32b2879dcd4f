import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { jsonSql, textSql } from '../parameters.ts'

/**
 * What became of an answer. `ok`: it counts, also when the same was given before. `not_waiting`: this wait is over, and was
 * not answered like that. `wrong_reason`: the job waits for something else (an approval is not resumed, children are not
 * answered). `too_late`: the deadline, or the time for an answer, has passed. `not_found`: there is no such job.
 */
export type AnswerOutcome = 'ok' | 'not_waiting' | 'wrong_reason' | 'too_late' | 'not_found'

export interface ResumeOptions {
  readonly id: string
  /** Which wait is answered: `waitId` of the job, as `waitFor`, `enqueue` and `getJob` give it. */
  readonly waitId: string
  /** What the job waited for: anything that JSON can hold. */
  readonly response?: unknown
}

const optionKeys = { id: true, waitId: true, response: true } satisfies OptionKeys<ResumeOptions>

/**
 * Ends the waiting of a job for input or for something external. The next worker finds the response in
 * `requiredAction.response`.
 *
 * @throws InvalidInputError without a `waitId`, for an unknown option, or for a response that JSON cannot hold.
 * @example
 * await resume(db, { id, waitId, response: { colour: 'blue' } })
 */
export async function resume(db: Database, options: ResumeOptions): Promise<AnswerOutcome> {
  checkKeys(options, optionKeys)
  return callForOutcome(
    db,
    sql`${api(db)}resume(job_id => ${textSql('id', options.id)}, wait_id => ${textSql('waitId', options.waitId)},
      response => ${jsonSql('response', options.response)})`,
  )
}
