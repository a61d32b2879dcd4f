import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { textSql } from '../parameters.ts'
import { type ApprovalOptions, approvalKeys } from './approve.ts'
import type { AnswerOutcome } from './resume.ts'

/**
 * Rejects a job that waits for approval: it has failed, with the code `rejected` and the comment as its message.
 *
 * @throws InvalidInputError without a `waitId`, or for an unknown option.
 * @example
 * await reject(db, { id, waitId, by: 'ada', comment: 'too expensive' })
 */
export async function reject(db: Database, options: ApprovalOptions): Promise<AnswerOutcome> {
  checkKeys(options, approvalKeys)
  return callForOutcome(
    db,
    sql`${api(db)}reject(job_id => ${textSql('id', options.id)}, wait_id => ${textSql('waitId', options.waitId)},
      rejected_by => ${textSql('by', options.by)}, comment => ${textSql('comment', options.comment)})`,
  )
}
