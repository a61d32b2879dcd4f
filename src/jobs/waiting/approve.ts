import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { textSql } from '../parameters.ts'
import type { AnswerOutcome } from './resume.ts'

export interface ApprovalOptions {
  readonly id: string
  /** Which wait is answered: `waitId` of the job, as `waitFor`, `enqueue` and `getJob` give it. */
  readonly waitId: string
  /** Who decided. */
  readonly by?: string
  readonly comment?: string
}

export const approvalKeys = {
  id: true,
  waitId: true,
  by: true,
  comment: true,
} satisfies OptionKeys<ApprovalOptions>

/**
 * Approves a job that waits for approval and makes it pending again, with `{ approved: true, by, comment }` in
 * `requiredAction.response`. Repeating an approval is harmless: it is of one wait, and gets the same outcome.
 *
 * @throws InvalidInputError without a `waitId`, or for an unknown option.
 * @example
 * const outcome = await approve(db, { id, waitId, by: 'ada', comment: 'go ahead' })
 */
export async function approve(db: Database, options: ApprovalOptions): Promise<AnswerOutcome> {
  checkKeys(options, approvalKeys)
  return callForOutcome(
    db,
    sql`${api(db)}approve(job_id => ${textSql('id', options.id)}, wait_id => ${textSql('waitId', options.waitId)},
      approved_by => ${textSql('by', options.by)}, comment => ${textSql('comment', options.comment)})`,
  )
}
