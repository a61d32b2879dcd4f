import { relations } from 'drizzle-orm'
import { jobAttempts } from './job-attempts.ts'
import { jobs } from './jobs.ts'

/**
 * For Drizzle 0.45's relational queries: a job's parent, children and attempts. For 1.0, see `opa-db/relations-v1`.
 *
 * @example
 * import * as relations from 'opa-db/relations'
 * const db = drizzle(client, { schema: { ...schema, ...relations } })
 */
export const jobsRelations = relations(jobs, ({ one, many }) => ({
  parent: one(jobs, { fields: [jobs.parentId], references: [jobs.id], relationName: 'lineage' }),
  children: many(jobs, { relationName: 'lineage' }),
  attempts: many(jobAttempts),
}))

export const jobAttemptsRelations = relations(jobAttempts, ({ one }) => ({
  job: one(jobs, { fields: [jobAttempts.jobId], references: [jobs.id] }),
}))
