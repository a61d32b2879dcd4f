import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { api } from '../database/schema-name.ts'
import { callForOutcome } from './lease.ts'
import { textSql } from './parameters.ts'
import type { ResumeOutcome } from './resume.ts'

export interface ApprovalOptions {
  readonly id: string
  /** Who decided. */
  readonly by?: string
  readonly comment?: string
}

/**
 * Says yes to a job that waits for approval: it goes on, with `{ approved: true, by, comment }` in
 * `requiredAction.response`.
 *
 * @example
 * await approve(db, { id, by: 'ada', comment: 'go ahead' })
 */
export async function approve(db: Database, options: ApprovalOptions): Promise<ResumeOutcome> {
  return callForOutcome(
    db,
    sql`${api(db)}approve(job_id => ${textSql('id', options.id)}, approved_by => ${textSql('by', options.by)},
      comment => ${textSql('comment', options.comment)})`,
  )
}
