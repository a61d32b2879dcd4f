import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryPrepared } from '../database/prepared.ts'
import { api } from '../database/schema-name.ts'
import { InvalidInputError } from '../errors.ts'
import type { EnqueueOptions, EnqueueResult } from './enqueue.ts'
import { jsonSql, momentValue, numberValue, textValue } from './parameters.ts'

type Check = (name: string, value: never) => unknown

const whole: Check = (name, value) => Number(numberValue(name, value, 'int'))
const number: Check = (name, value) => Number(numberValue(name, value, 'float8'))
// Checked with the whole array, where the path says which element it is.
const json: Check = (_, value) => value

/** The name of each option in SQL, and the same check as `enqueue` makes. */
const fields: Record<keyof EnqueueOptions, readonly [name: string, check: Check]> = {
  intent: ['intent', textValue],
  inputs: ['inputs', json],
  queue: ['queue', textValue],
  mode: ['mode', textValue],
  priority: ['priority', whole],
  runAt: ['run_at', momentValue],
  id: ['job_id', textValue],
  idempotencyKey: ['idempotency_key', textValue],
  singletonKey: ['singleton_key', textValue],
  parentId: ['parent_id', textValue],
  deadlineAt: ['deadline_at', momentValue],
  maxAttempts: ['max_attempts', whole],
  backoffSeconds: ['backoff_seconds', number],
  waitReason: ['wait_reason', textValue],
  requiredAction: ['required_action', json],
  metadata: ['metadata', json],
  traceId: ['trace_id', textValue],
  callbackUrl: ['callback_url', textValue],
}

/**
 * Accepts many pieces of work in one statement, all or (on any error) none. What comes back is in the order of `jobs`.
 * A parent must be there already. Some thousands at a time are fastest.
 *
 * @throws InvalidInputError that says which element is wrong (the first is 0), and how.
 * @example
 * const accepted = await enqueueMany(db, { jobs: pages.map((page) => ({ intent: 'embed', inputs: { page } })) })
 */
export async function enqueueMany(
  db: Database,
  { jobs }: { readonly jobs: readonly EnqueueOptions[] },
): Promise<EnqueueResult[]> {
  if (!Array.isArray(jobs)) throw new InvalidInputError(`jobs must be an array, got ${typeof jobs}`)
  if (jobs.length === 0) return []
  const elements = jobs.map(element)
  const rows = await queryPrepared(
    db,
    sql`SELECT id, status, created FROM ${api(db)}enqueue_many(${jsonSql('jobs', elements)})`,
  )
  return rows as unknown as EnqueueResult[]
}

/** A job as `enqueue_many` takes it. */
function element(job: EnqueueOptions, index: number): Record<string, unknown> {
  if (job === null || typeof job !== 'object' || Array.isArray(job)) {
    throw new InvalidInputError(
      `element ${index} must be an object, got ${job === null ? 'null' : Array.isArray(job) ? 'an array' : typeof job}`,
    )
  }
  const made: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(job)) {
    if (value === undefined || value === null) continue
    const field = fields[key as keyof EnqueueOptions]
    // The function refuses what it does not know, and names what it does.
    made[field?.[0] ?? key] =
      field === undefined ? value : field[1](`element ${index}: ${key}`, value as never)
  }
  return made
}
