import { relations } from 'drizzle-orm'
import { jobAttempts } from './job-attempts.ts'
import { jobs } from './jobs.ts'

/** For Drizzle's relational queries: a job's parent, children and attempts. */
export const jobsRelations = relations(jobs, ({ one, many }) => ({
  parent: one(jobs, { fields: [jobs.parentId], references: [jobs.id], relationName: 'lineage' }),
  children: many(jobs, { relationName: 'lineage' }),
  attempts: many(jobAttempts),
}))

export const jobAttemptsRelations = relations(jobAttempts, ({ one }) => ({
  job: one(jobs, { fields: [jobAttempts.jobId], references: [jobs.id] }),
}))
