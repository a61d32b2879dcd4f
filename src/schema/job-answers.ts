import { customType, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core'
import type { Json } from './jobs.ts'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/**
 * One row for each wait that was answered: an answer that is repeated (a double click, an HTTP retry) is recognised by its
 * wait and gets the outcome of the first time. No foreign key, for the reason that `job_attempts` has none; the trigger
 * `jobs_deleted` removes the answers with their job.
 */
export const jobAnswers = pgTable(
  'job_answers',
  {
    jobId: identifier('job_id').notNull(),
    waitId: identifier('wait_id').notNull(),
    answer: text('answer', { enum: ['approved', 'rejected', 'resumed'] }).notNull(),
    answeredAt: timestamp('answered_at', { withTimezone: true }).notNull(),
    response: jsonb('response').$type<Json>(),
  },
  (table) => [primaryKey({ name: 'job_answers_pkey', columns: [table.jobId, table.waitId] })],
)

/** A wait that was answered: how, when and with what. */
export type JobAnswer = typeof jobAnswers.$inferSelect
