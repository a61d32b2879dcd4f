import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { Job } from '../../schema/jobs.ts'
import { decodeJob, jobColumns } from '../job-row.ts'
import { textSql } from '../parameters.ts'

/**
 * Gives a job by its id, or null.
 *
 * @example
 * const job = await getJob(db, { id })
 */
export async function getJob(db: Database, { id }: { readonly id: string }): Promise<Job | null> {
  const [row] = await queryRows(db, sql`SELECT ${jobColumns} FROM ${api(db)}get_job(${textSql('id', id)})`)
  return row === undefined ? null : decodeJob(row)
}
