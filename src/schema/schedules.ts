import { sql } from 'drizzle-orm'
import {
  check,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { executionMode } from './enums.ts'
import type { JsonObject } from './jobs.ts'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

const timestamptz = (name: string) => timestamp(name, { withTimezone: true })

/**
 * Jobs that come again and again. Each moment at which one is due is a slot; whichever worker comes first enqueues its job
 * and moves `slots_after` on in the same transaction, and the job's idempotency key names schedule and slot, so that each
 * slot is enqueued once whatever the number of workers.
 */
export const schedules = pgTable(
  'schedules',
  {
    key: identifier('key').primaryKey(),
    /** A cron expression, read in `time_zone`; or else `every_seconds`, counted from 1970. */
    cron: text('cron'),
    timeZone: text('time_zone').notNull().default('UTC'),
    everySeconds: doublePrecision('every_seconds'),
    /** Which of the slots that nobody enqueued in time are made up for: none, the latest one, all. */
    missed: text('missed', { enum: ['skip', 'once', 'all'] })
      .notNull()
      .default('once'),
    /** With `all`: the latest so many. */
    missedLimit: integer('missed_limit').notNull().default(100),
    /** With `skip`: how late a slot may be enqueued. */
    lateSeconds: doublePrecision('late_seconds').notNull().default(60),
    /** Every slot up to this one is dealt with. */
    slotsAfter: timestamptz('slots_after').notNull().default(sql`jobs_now()`),
    /** The next slot; null until a worker has computed it, infinity if there is none. */
    nextAt: timestamptz('next_at'),
    pausedAt: timestamptz('paused_at'),
    /** Why it was paused, if a worker did that: a cron expression that cannot be read, a job that is refused. */
    error: text('error'),
    queue: identifier('queue').notNull().default('default'),
    intent: text('intent').notNull(),
    inputs: jsonb('inputs').$type<JsonObject>().notNull().default({}),
    mode: executionMode('mode').notNull().default('auto'),
    priority: smallint('priority').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull().default(3),
    backoffSeconds: doublePrecision('backoff_seconds').notNull().default(10),
    /** While a job of this key is unfinished, a slot gives that one instead of another. */
    singletonKey: identifier('singleton_key'),
    metadata: jsonb('metadata').$type<JsonObject>().notNull().default({}),
    createdAt: timestamptz('created_at').notNull().default(sql`now()`),
    updatedAt: timestamptz('updated_at').notNull().default(sql`now()`),
  },
  (table) => [
    index('schedules_next_at_idx').on(table.nextAt.asc().nullsFirst()).where(sql`paused_at IS NULL`),
    check('schedules_key_check', sql`octet_length(key) BETWEEN 1 AND 255`),
    check('schedules_queue_check', sql`octet_length(queue) BETWEEN 1 AND 255`),
    check('schedules_intent_check', sql`octet_length(intent) BETWEEN 1 AND 1024`),
    check('schedules_singleton_key_check', sql`octet_length(singleton_key) BETWEEN 1 AND 1024`),
    check(
      'schedules_cron_check',
      sql`octet_length(cron) BETWEEN 1 AND 255 AND octet_length(time_zone) < 256`,
    ),
    check(
      'schedules_every_seconds_check',
      sql`num_nonnulls(cron, every_seconds) = 1 AND (every_seconds IS NULL OR every_seconds >= 1 AND every_seconds <= 31536000)`,
    ),
    check('schedules_missed_check', sql`missed IN ('skip', 'once', 'all')`),
    check('schedules_missed_limit_check', sql`missed_limit BETWEEN 1 AND 1000`),
    check('schedules_late_seconds_check', sql`late_seconds >= 0 AND late_seconds <= 31536000`),
    check('schedules_max_attempts_check', sql`max_attempts >= 1`),
    check('schedules_backoff_seconds_check', sql`backoff_seconds >= 0 AND backoff_seconds <= 86400`),
    check(
      'schedules_inputs_check',
      sql`jsonb_typeof(inputs) = 'object' AND jsonb_typeof(metadata) = 'object'`,
    ),
  ],
)

/** A row of `schedules` as it is read. */
export type Schedule = typeof schedules.$inferSelect

/** A row of `schedules` as it is written. Prefer {@link putSchedule}, which checks the expression and the time zone. */
export type NewSchedule = typeof schedules.$inferInsert
