import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRows, toDate, toDateOrNull, toJson, toNumber, toNumberOrNull } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { JsonObject } from '../../schema/jobs.ts'
import type { Schedule } from '../../schema/schedules.ts'
import { textSql } from '../parameters.ts'

/** A schedule; `isOver` is true when there is no further slot. */
export type ListedSchedule = Schedule & { readonly isOver: boolean }

export interface ListSchedulesOptions {
  /** Every queue's by default. */
  readonly queue?: string
}

/**
 * The schedules, of one queue or of all, by key. `nextAt` is null until a worker has computed it.
 *
 * @throws InvalidInputError for an unknown option, or one that is present and undefined.
 * @example
 * for (const { key, nextAt, pausedAt, error } of await listSchedules(db)) console.log(key, nextAt, pausedAt, error)
 */
export async function listSchedules(
  db: Database,
  options: ListSchedulesOptions = {},
): Promise<ListedSchedule[]> {
  checkOptions(options, { queue: true } satisfies OptionKeys<ListSchedulesOptions>)
  const rows = await queryRows(
    db,
    sql`SELECT schedule.*, inputs::text AS inputs_text, metadata::text AS metadata_text,
      coalesce(next_at = 'infinity', false) AS is_over, nullif(next_at, 'infinity') AS next_finite
      FROM ${api(db)}list_schedules(${textSql('queue', options.queue)}) AS schedule`,
  )
  return rows.map((row) => ({
    key: row.key as string,
    cron: row.cron as string | null,
    timeZone: row.time_zone as string,
    everySeconds: toNumberOrNull(row.every_seconds),
    missed: row.missed as Schedule['missed'],
    missedLimit: toNumber(row.missed_limit),
    lateSeconds: toNumber(row.late_seconds),
    slotsAfter: toDate(row.slots_after),
    nextAt: toDateOrNull(row.next_finite),
    isOver: row.is_over === true,
    pausedAt: toDateOrNull(row.paused_at),
    error: row.error as string | null,
    queue: row.queue as string,
    intent: row.intent as string,
    inputs: toJson<JsonObject>(row.inputs_text),
    mode: row.mode as Schedule['mode'],
    priority: toNumber(row.priority),
    maxAttempts: toNumber(row.max_attempts),
    backoffSeconds: toNumber(row.backoff_seconds),
    singletonKey: row.singleton_key as string | null,
    metadata: toJson<JsonObject>(row.metadata_text),
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  }))
}
