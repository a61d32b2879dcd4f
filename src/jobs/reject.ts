import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { api } from '../database/schema-name.ts'
import type { ApprovalOptions } from './approve.ts'
import { callForOutcome } from './lease.ts'
import { textSql } from './parameters.ts'
import type { ResumeOutcome } from './resume.ts'

/**
 * Says no to a job that waits for approval: it has failed, with the code `rejected` and the comment as its message.
 *
 * @example
 * await reject(db, { id, by: 'ada', comment: 'too expensive' })
 */
export async function reject(db: Database, options: ApprovalOptions): Promise<ResumeOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}reject(job_id => ${textSql('id', options.id)}, rejected_by => ${textSql('by', options.by)},
      comment => ${textSql('comment', options.comment)})`,
  )
}
