import { defineRelations } from 'drizzle-orm'
import { jobAttempts } from './job-attempts.ts'
import { jobs } from './jobs.ts'
import { memoryItems } from './memory-items.ts'

/**
 * For Drizzle 1.0's relational queries: a job's parent, children and attempts. For 0.45, see `opa-db/relations`.
 *
 * @example
 * import { relations } from 'opa-db/relations-v1'
 * const db = drizzle({ client, relations })
 * await db.query.jobs.findMany({ with: { children: true } })
 */
export const relations = defineRelations({ jobs, jobAttempts, memoryItems }, (r) => ({
  jobs: {
    parent: r.one.jobs({ from: r.jobs.parentId, to: r.jobs.id, alias: 'lineage' }),
    children: r.many.jobs({ from: r.jobs.id, to: r.jobs.parentId, alias: 'lineage' }),
    attempts: r.many.jobAttempts({ from: r.jobs.id, to: r.jobAttempts.jobId }),
  },
  jobAttempts: {
    job: r.one.jobs({ from: r.jobAttempts.jobId, to: r.jobs.id }),
  },
}))
