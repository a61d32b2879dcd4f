import { bigint, customType, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import { attemptOutcome } from './enums.ts'
import type { JobError } from './jobs.ts'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/**
 * One row for each lease that was ever taken, written once, when the lease is settled or taken back: the
 * history that a retry does not erase. `attempt` is what the job counted then (a release gives it back and
 * an explicit retry starts again at 1), so only the lease token tells two leases of a job apart.
 *
 * No foreign key: it would look up and lock the job again for every attempt that is written. The job functions write only
 * attempts of jobs that they hold locked, and the trigger `jobs_deleted` removes them with their job.
 */
export const jobAttempts = pgTable(
  'job_attempts',
  {
    jobId: identifier('job_id').notNull(),
    leaseToken: bigint('lease_token', { mode: 'number' }).notNull(),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
    finishedAt: timestamp('finished_at', { withTimezone: true }).notNull(),
    attempt: integer('attempt').notNull(),
    outcome: attemptOutcome('outcome').notNull(),
    workerId: text('worker_id').notNull(),
    error: jsonb('error').$type<JobError>(),
  },
  (table) => [primaryKey({ name: 'job_attempts_pkey', columns: [table.jobId, table.leaseToken] })],
)

/** A lease that has ended: who held it, when, and how it went. */
export type JobAttempt = typeof jobAttempts.$inferSelect

/** A row of `job_attempts` as it is written; the job functions write it. */
export type NewJobAttempt = typeof jobAttempts.$inferInsert
