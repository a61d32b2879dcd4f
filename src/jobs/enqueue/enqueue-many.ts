import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { promisedRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import { executionMode } from '../../schema/enums.ts'
import { jsonSql, momentValue, numberValue, textValue } from '../parameters.ts'
import { type EnqueueOptions, type EnqueueResult, enqueueResult } from './enqueue.ts'

type Check = (name: string, value: never) => unknown

/** Text of so many bytes. */
const text =
  (mostBytes: number): Check =>
  (name, value: string) => {
    textValue(name, value)
    if (value.length === 0 || (value.length * 3 > mostBytes && Buffer.byteLength(value) > mostBytes)) {
      const bytes = Buffer.byteLength(value)
      throw new InvalidInputError(`${name} must have from 1 to ${mostBytes} bytes, got ${bytes}`)
    }
    return value
  }

const numberWithin =
  (type: 'int' | 'float8', least: number, most: number): Check =>
  (name, value: number) => {
    numberValue(name, value, type)
    if (value >= least && value <= most) return value
    throw new InvalidInputError(`${name} must be from ${least} to ${most}, got ${value}`)
  }

const oneOf =
  (names: readonly string[]): Check =>
  (name, value: string) => {
    if (names.includes(value)) return value
    throw new InvalidInputError(`${name} must be ${names.join(', ')}, got ${String(value)}`)
  }

// Checked with the whole array, where the path says which element it is.
const json: Check = (_, value) => value

/** The name of each option in SQL, and what the database would refuse without saying which element it was. */
const fields: Record<keyof EnqueueOptions, readonly [name: string, check: Check]> = {
  intent: ['intent', text(1024)],
  inputs: ['inputs', json],
  queue: ['queue', text(255)],
  mode: ['mode', oneOf(executionMode.enumValues)],
  priority: ['priority', numberWithin('int', -32_768, 32_767)],
  runAt: ['run_at', momentValue],
  id: ['job_id', text(255)],
  idempotencyKey: ['idempotency_key', text(1024)],
  singletonKey: ['singleton_key', text(1024)],
  parentId: ['parent_id', text(255)],
  deadlineAt: ['deadline_at', momentValue],
  maxAttempts: ['max_attempts', numberWithin('int', 1, 2_147_483_647)],
  backoffSeconds: ['backoff_seconds', numberWithin('float8', 0, 86_400)],
  waitReason: ['wait_reason', textValue],
  requiredAction: ['required_action', json],
  metadata: ['metadata', json],
  traceId: ['trace_id', text(255)],
  callbackUrl: ['callback_url', text(4096)],
  limitKey: ['limit_key', text(1024)],
  onLost: ['on_lost', oneOf(['retry', 'fail'])],
  attemptTimeoutSeconds: ['attempt_timeout_seconds', numberWithin('float8', 0.01, 31_536_000)],
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
  const elements = jobs.map(enqueueElement)
  const rows = await queryPrepared(
    db,
    sql`SELECT id, status, created, wait_id FROM ${api(db)}enqueue_many(${jsonSql('jobs', elements)})`,
  )
  return promisedRows(rows, jobs.length).map(enqueueResult)
}

/** A job as `enqueue_many` takes it. */
export function enqueueElement(job: EnqueueOptions, index: number): Record<string, unknown> {
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
  if (made.intent === undefined) {
    throw new InvalidInputError(`element ${index}: intent must be a string, got ${typeof job.intent}`)
  }
  return made
}
