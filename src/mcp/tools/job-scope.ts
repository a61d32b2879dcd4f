import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { getJob } from '../../jobs/reading/get-job.ts'
import type { Job } from '../../schema/jobs.ts'
import { ToolError } from './errors.ts'
import { namespaceOf, type ToolContext } from './tool.ts'

// A job has no namespace of its own: several share one queue, so that one worker serves all of them. Whose it is stands
// in its metadata, where enqueue_job writes it and where handlers read for whom they work. What a job's handler enqueues
// beneath it belongs to the same namespace unless its own metadata names another.

/** The key of a job's metadata that says whose it is. */
export const namespaceKey = 'namespace'

/** Ids of the jobs of a namespace: its own, and those beneath them. Each half is one look into an index. */
export function jobIdsOf(db: Database, namespace: string): SQL {
  return sql`
    SELECT own.id FROM ${api(db)}jobs AS own WHERE own.metadata ->> 'namespace' = ${namespace}::text
    UNION ALL
    SELECT below.id FROM ${api(db)}jobs AS root JOIN ${api(db)}jobs AS below ON below.root_id = root.id
    WHERE root.metadata ->> 'namespace' = ${namespace}::text AND NOT below.metadata ? 'namespace'
  `
}

/** Whose a job is; undefined: nobody's, which only a server without a pinned namespace sees. */
export async function namespaceOfJob({ db }: ToolContext, job: Job): Promise<string | undefined> {
  const own = job.metadata[namespaceKey]
  if (typeof own === 'string') return own
  if (job.rootId === null) return undefined
  const [root] = await queryRows(
    db,
    sql`SELECT metadata ->> 'namespace' AS namespace FROM ${api(db)}jobs WHERE id = ${job.rootId}::text`,
  )
  return typeof root?.namespace === 'string' ? root.namespace : undefined
}

/**
 * The job, if it is in the namespace of the call. A job of somebody else is answered like one that is not there.
 *
 * @throws ToolError if there is none.
 */
export async function jobInScope(
  context: ToolContext,
  input: { readonly job_id: string; readonly namespace?: string | undefined },
): Promise<Job> {
  const job = await getJob(context.db, { id: input.job_id })
  const { namespace } = namespaceOf(context, input)
  if (job !== null && (namespace === undefined || (await namespaceOfJob(context, job)) === namespace))
    return job
  throw new ToolError(`No job has the id "${input.job_id.slice(0, 100)}" here. Ids come from list_jobs.`)
}
