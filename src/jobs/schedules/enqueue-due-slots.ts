import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows, type Row, toDate, toNumber, toNumberOrNull } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import { arraySql, textSql } from '../parameters.ts'
import { planSlots, type Rhythm } from './slots.ts'

/** A job that was enqueued for a slot of a schedule. */
export interface EnqueuedSlot {
  readonly key: string
  readonly slot: Date
  readonly jobId: string
  /** False if a job of the schedule's singleton key was unfinished: `jobId` is that one's. */
  readonly created: boolean
}

export interface DueSlots {
  readonly enqueued: EnqueuedSlot[]
  /** Until the next slot of any schedule; undefined if there is none. */
  readonly secondsToNext: number | undefined
}

/**
 * Enqueues what is due of all schedules, once, whoever else does so at the same time. A schedule that cannot be run is
 * paused, and says why in `error`. For a cron job of the system that takes the place of {@link runSchedules}.
 *
 * @param onError told why a schedule was paused.
 * @example
 * const { enqueued } = await enqueueDueSlots(db)
 */
export async function enqueueDueSlots(
  db: Database,
  { onError }: { readonly onError?: (error: unknown) => void } = {},
): Promise<DueSlots> {
  const enqueued: EnqueuedSlot[] = []
  const due = await queryRows(
    db,
    sql`SELECT key, cron, time_zone, every_seconds, missed, missed_limit, late_seconds, slots_after::text AS seen,
      slots_after, seen_at FROM ${api(db)}due_schedules(100)`,
  )
  for (const schedule of due) {
    try {
      enqueued.push(...(await enqueueSlots(db, schedule)))
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error
      await queryRows(
        db,
        sql`SELECT ${api(db)}stop_schedule(${textSql('key', String(schedule.key))},
          ${textSql('seen', String(schedule.seen))}::timestamptz, ${textSql('error', error.message)})`,
      )
      onError?.(new InvalidInputError(`schedule ${String(schedule.key)} is paused: ${error.message}`))
    }
  }
  const [next] = await queryRows(db, sql`SELECT ${api(db)}seconds_to_next_slot() AS seconds`)
  return { enqueued, secondsToNext: toNumberOrNull(next?.seconds) ?? undefined }
}

async function enqueueSlots(db: Database, schedule: Row): Promise<EnqueuedSlot[]> {
  const rhythm: Rhythm = {
    cron: schedule.cron as string | null,
    timeZone: schedule.time_zone as string,
    everySeconds: toNumberOrNull(schedule.every_seconds),
    missed: schedule.missed as Rhythm['missed'],
    missedLimit: toNumber(schedule.missed_limit),
    lateSeconds: toNumber(schedule.late_seconds),
  }
  const { slots, latest, next } = planSlots(rhythm, toDate(schedule.slots_after), toDate(schedule.seen_at))
  const key = String(schedule.key)
  const seen = String(schedule.seen)
  const isoSlots = slots.map((slot) => slot.toISOString())
  const rows = await queryRows(
    db,
    sql`SELECT slot, job_id, created FROM ${api(db)}enqueue_slots(${textSql('key', key)},
      ${textSql('seen', seen)}::timestamptz, ${arraySql('slots', isoSlots, 'text')}::timestamptz[],
      slots_after => ${textSql('latest', latest?.toISOString() ?? seen)}::timestamptz,
      next_at => ${textSql('next', next?.toISOString() ?? 'infinity')}::timestamptz)`,
  )
  return rows.map((row) => ({
    key,
    slot: toDate(row.slot),
    jobId: row.job_id as string,
    created: row.created === true,
  }))
}
