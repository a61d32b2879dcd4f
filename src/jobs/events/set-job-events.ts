import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'

/**
 * Turns events of status and progress on or off, and the notifications that `watchJob` listens to. They are off until
 * somebody asks: with them each change of a job writes another row. Only the owner of the tables may.
 *
 * @example
 * await setJobEvents(db, { isOn: true })
 */
export async function setJobEvents(db: Database, { isOn }: { readonly isOn: boolean }): Promise<void> {
  await queryRows(db, sql`SELECT ${api(db)}set_job_events(${String(isOn)}::text::boolean)`)
}
