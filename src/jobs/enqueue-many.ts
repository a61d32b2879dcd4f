import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryPrepared } from '../database/prepared.ts'
import { api } from '../database/schema-name.ts'
import { InvalidInputError } from '../errors.ts'
import type { EnqueueOptions, EnqueueResult } from './enqueue.ts'
import { jsonSql } from './parameters.ts'

const databaseKeys: Record<keyof EnqueueOptions, string> = {
  intent: 'intent',
  inputs: 'inputs',
  queue: 'queue',
  mode: 'mode',
  priority: 'priority',
  runAt: 'run_at',
  id: 'job_id',
  idempotencyKey: 'idempotency_key',
  singletonKey: 'singleton_key',
  parentId: 'parent_id',
  deadlineAt: 'deadline_at',
  maxAttempts: 'max_attempts',
  backoffSeconds: 'backoff_seconds',
  waitReason: 'wait_reason',
  requiredAction: 'required_action',
  metadata: 'metadata',
  traceId: 'trace_id',
  callbackUrl: 'callback_url',
}

/**
 * Accepts many pieces of work in one statement, all or (on any error) none. What comes back is in the order of `jobs`.
 * A parent must be there already. Some thousands at a time are fastest.
 *
 * @throws InvalidInputError that says which element is wrong, and how.
 * @example
 * const accepted = await enqueueMany(db, { jobs: pages.map((page) => ({ intent: 'embed', inputs: { page } })) })
 */
export async function enqueueMany(
  db: Database,
  { jobs }: { readonly jobs: readonly EnqueueOptions[] },
): Promise<EnqueueResult[]> {
  if (!Array.isArray(jobs)) throw new InvalidInputError(`jobs must be an array, got ${typeof jobs}`)
  if (jobs.length === 0) return []
  const elements = jobs.map((job) =>
    job === null || typeof job !== 'object'
      ? job
      : Object.fromEntries(
          Object.entries(job)
            .filter(([, value]) => value !== undefined && value !== null)
            .map(([key, value]) => [databaseKeys[key as keyof EnqueueOptions] ?? key, value]),
        ),
  )
  const rows = await queryPrepared(
    db,
    sql`SELECT id, status, created FROM ${api(db)}enqueue_many(${jsonSql('jobs', elements)})`,
  )
  return rows as unknown as EnqueueResult[]
}
