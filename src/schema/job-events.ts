import { sql } from 'drizzle-orm'
import { bigint, check, customType, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import { type Json, jobs } from './jobs.ts'
import { trigger } from './trigger.ts'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/**
 * What happened to a job, in order, for whoever watches: its output as it comes, and (once `set_job_events` is on) its
 * changes of status and its progress. Only added to; the latest 1,000 of each job are kept. `seq` counts from 1 for each
 * job, and whoever adds holds the job's row, so that a reader who has seen one has seen all before it.
 *
 * No foreign key, for the reason that `job_attempts` has none; the trigger `jobs_events_deleted` removes them.
 */
export const jobEvents = pgTable(
  'job_events',
  {
    jobId: identifier('job_id').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    at: timestamp('at', { withTimezone: true }).notNull().default(sql`jobs_now()`),
    kind: text('kind', { enum: ['status', 'progress', 'output'] }).notNull(),
    data: jsonb('data').$type<Json>().notNull(),
  },
  (table) => [
    primaryKey({ name: 'job_events_pkey', columns: [table.jobId, table.seq] }),
    check('job_events_kind_check', sql`kind IN ('status', 'progress', 'output')`),
  ],
)

/** What a job's handler wants to find again at its next attempt, or after a wait. */
export const jobCheckpoints = pgTable('job_checkpoints', {
  jobId: identifier('job_id').primaryKey(),
  leaseToken: bigint('lease_token', { mode: 'number' }).notNull(),
  savedAt: timestamp('saved_at', { withTimezone: true }).notNull().default(sql`jobs_now()`),
  state: jsonb('state').$type<Json>().notNull(),
})

/** Events and checkpoints go with their job. */
export const jobsEventsDeleted = trigger(jobs, {
  name: 'jobs_events_deleted',
  timing: 'AFTER',
  events: 'DELETE',
  each: 'STATEMENT',
  function: 'jobs_delete_events',
  referencing: 'OLD TABLE AS deleted',
})
