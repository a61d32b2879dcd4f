import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { textSql } from '../parameters.ts'

/** Names a schedule. */
export interface ScheduleKey {
  readonly key: string
}

/**
 * Pauses a schedule: no slot is enqueued until it is resumed.
 *
 * @returns false if there is no such schedule.
 * @example
 * await pauseSchedule(db, { key: 'digest' })
 */
export async function pauseSchedule(db: Database, { key }: ScheduleKey): Promise<boolean> {
  return isDone(await queryRows(db, sql`SELECT ${api(db)}pause_schedule(${textSql('key', key)}) AS is_done`))
}

/**
 * Goes on with a paused schedule, from now on: slots of the pause are not made up for.
 *
 * @returns false if there is no such schedule.
 * @example
 * await resumeSchedule(db, { key: 'digest' })
 */
export async function resumeSchedule(db: Database, { key }: ScheduleKey): Promise<boolean> {
  return isDone(await queryRows(db, sql`SELECT ${api(db)}resume_schedule(${textSql('key', key)}) AS is_done`))
}

/**
 * Removes a schedule; jobs that it has enqueued stay.
 *
 * @returns false if there is no such schedule.
 * @example
 * await removeSchedule(db, { key: 'digest' })
 */
export async function removeSchedule(db: Database, { key }: ScheduleKey): Promise<boolean> {
  return isDone(await queryRows(db, sql`SELECT ${api(db)}remove_schedule(${textSql('key', key)}) AS is_done`))
}

const isDone = ([row]: Record<string, unknown>[]): boolean => row?.is_done === true
