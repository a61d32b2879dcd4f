import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'

/**
 * Turns notifications on or off for the whole database; they are off until somebody asks, as each one makes commits
 * queue up. Needs the owner of the tables. Without them everything polls.
 *
 * @example
 * await setJobNotifications(db, { isOn: true })
 */
export async function setJobNotifications(db: Database, { isOn }: { readonly isOn: boolean }): Promise<void> {
  await queryRows(db, sql`SELECT ${api(db)}set_job_notifications(${String(isOn)}::text::boolean)`)
}
