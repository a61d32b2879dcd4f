import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  real,
  smallint,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { executionMode, jobStatus } from './enums.ts'
import { trigger } from './trigger.ts'

/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** An object that JSON can hold. */
export type JsonObject = { [key: string]: Json }

/** Why a job failed: a stable `code` for programs, a `message` for people, and any detail. */
export type JobError = { code: string; message: string; detail?: Json }

/** Tokens and cost of one model, or of all of them together. */
export type ModelUsage = { input_tokens: number; output_tokens: number; cost: number }

/** What a job has used so far: totals, the model used last, and a share for each model. */
export type JobUsage = Partial<ModelUsage> & { model?: string; by_model?: Record<string, ModelUsage> }

// Identifiers are compared byte by byte: their order means nothing to people, and a linguistic collation would call the
// operating system's comparison at every step down an index.
const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

const moment = (name: string) => timestamp(name, { withTimezone: true })

/**
 * Every piece of work that the orchestrator accepted: who works on it, how far it is, what it cost and how
 * it ended. Rows are kept. The columns that change most come first and the documents last, so that the
 * comparison which decides about `updated_at` finds the difference before it reads a large document.
 */
export const jobs = pgTable(
  'jobs',
  {
    id: identifier('id').primaryKey().default(sql`new_job_id(jobs_now())`),
    status: jobStatus('status').notNull().default('pending'),
    leaseToken: bigint('lease_token', { mode: 'number' }).notNull().default(0),
    leaseExpiresAt: moment('lease_expires_at'),
    heartbeatAt: moment('heartbeat_at'),
    progress: real('progress').notNull().default(0),
    progressMessage: text('progress_message'),
    queue: identifier('queue').notNull().default('default'),
    priority: smallint('priority').notNull().default(0),
    runAt: moment('run_at').notNull().default(sql`jobs_now()`),
    mode: executionMode('mode').notNull().default('auto'),
    intent: identifier('intent').notNull(),
    attempt: integer('attempt').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull().default(3),
    backoffSeconds: doublePrecision('backoff_seconds').notNull().default(10),
    workerId: text('worker_id'),
    deadlineAt: moment('deadline_at'),
    cancelRequestedAt: moment('cancel_requested_at'),
    createdAt: moment('created_at').notNull().default(sql`jobs_now()`),
    startedAt: moment('started_at'),
    completedAt: moment('completed_at'),
    updatedAt: moment('updated_at').notNull().default(sql`now()`),
    /** How many leases of the job were lost since it was accepted or retried. */
    losses: integer('losses').notNull().default(0),
    /** What a lost lease means: another try that does not count, or a failed attempt. */
    onLost: text('on_lost', { enum: ['retry', 'fail'] })
      .notNull()
      .default('retry'),
    /** An attempt that takes longer than this has failed. */
    attemptTimeoutSeconds: doublePrecision('attempt_timeout_seconds'),
    waitReason: text('wait_reason', { enum: ['approval', 'input', 'children', 'external'] }),
    /** Which wait this is, for the answer to name; there while the job is waiting, and only then. */
    waitId: identifier('wait_id'),
    /** When the wait ends without an answer. */
    waitExpiresAt: moment('wait_expires_at'),
    /** Jobs of the same (queue, limit_key) share the limits of `job_limits` and take turns with those of other keys. */
    limitKey: identifier('limit_key'),
    idempotencyKey: identifier('idempotency_key'),
    singletonKey: identifier('singleton_key'),
    parentId: identifier('parent_id').references((): AnyPgColumn => jobs.id),
    rootId: identifier('root_id'),
    traceId: text('trace_id'),
    callbackUrl: text('callback_url'),
    requiredAction: jsonb('required_action').$type<JsonObject>(),
    usage: jsonb('usage').$type<JobUsage>().notNull().default({}),
    error: jsonb('error').$type<JobError>(),
    metadata: jsonb('metadata').$type<JsonObject>().notNull().default({}),
    inputs: jsonb('inputs').$type<JsonObject>().notNull().default({}),
    result: jsonb('result').$type<Json>(),
  },
  (table) => [
    // Claim reads this in its own order. DESC NULLS FIRST, because PostgreSQL's DESC means that.
    index('jobs_ready_idx')
      .on(table.queue, table.priority.desc().nullsFirst(), table.runAt, table.id)
      .where(sql`status = 'pending' AND limit_key IS NULL`),
    // For a claim of some intents or modes in a queue whose next jobs are others. The condition says what that of the ready
    // index says, in words that it alone has: the planner, which cannot know the kinds, would read the other one.
    index('jobs_ready_intent_idx')
      .on(table.queue, table.intent, table.mode, table.priority.desc().nullsFirst(), table.runAt, table.id)
      .where(sql`CASE WHEN limit_key IS NULL THEN status = 'pending' ELSE false END`),
    // Jobs with a limit_key are found key by key.
    index('jobs_ready_key_idx')
      .on(table.queue, table.priority.desc().nullsFirst(), table.limitKey, table.runAt, table.id)
      .where(sql`status = 'pending' AND limit_key IS NOT NULL`),
    index('jobs_running_idx').on(table.queue, table.startedAt).where(sql`status = 'running'`),
    // Counted under the lock of the key, for limits of concurrency.
    index('jobs_running_key_idx')
      .on(table.queue, table.limitKey)
      .where(sql`status = 'running' AND limit_key IS NOT NULL`),
    index('jobs_waiting_idx').on(table.queue, table.createdAt).where(sql`status = 'waiting'`),
    index('jobs_finished_idx').on(table.completedAt).where(sql`completed_at IS NOT NULL`),
    // The dead letters.
    index('jobs_failed_idx').on(table.queue, table.completedAt).where(sql`status = 'failed'`),
    // Deadlines and waits that expire.
    index('jobs_due_idx')
      .on(table.queue, sql`least(deadline_at, wait_expires_at)`)
      .where(sql`least(deadline_at, wait_expires_at) IS NOT NULL AND status IN ('pending', 'waiting')`),
    // A job never changes when it was created and mostly stays where it was written, so ranges of pages say enough, and
    // each new version of a row costs half of what it would in a B-tree (list_jobs knows how to ask).
    index('jobs_created_at_idx')
      .using('brin', table.createdAt)
      .with({ pages_per_range: 32, autosummarize: 'on' }),
    // "Has this parent an unfinished child" is one probe from the end: children end in about the order of their ids, so the
    // dead entries of those that have ended since are in front of the living ones.
    index('jobs_parent_id_idx')
      .on(table.parentId, sql`(completed_at IS NULL)`, table.id)
      .where(sql`parent_id IS NOT NULL`),
    index('jobs_root_id_idx').on(table.rootId).where(sql`root_id IS NOT NULL`),
    uniqueIndex('jobs_idempotency_key_unique')
      .on(table.queue, table.idempotencyKey)
      .where(sql`idempotency_key IS NOT NULL`),
    // Over every status that has not ended, so that taking a lease back can never collide.
    uniqueIndex('jobs_singleton_key_unique')
      .on(table.queue, table.singletonKey)
      .where(sql`singleton_key IS NOT NULL AND status IN ('pending', 'running', 'waiting')`),
  ],
)

/**
 * Refuses every change of status that the design does not have, and every row that its status does not allow, and keeps
 * `updated_at`, which is the database's and not the client's. One function without a condition, instead of checks:
 * PostgreSQL reads conditions and checks anew for each statement, and those were 150 of the 530 µs of CPU of one claim
 * and one complete.
 */
export const jobsTransition = trigger(jobs, {
  name: 'jobs_transition',
  timing: 'BEFORE',
  events: 'UPDATE',
  each: 'ROW',
  function: 'jobs_check_transition',
})

/** Refuses what no job may be, when it is accepted and when one of these columns is written again. */
export const jobsInput = trigger(jobs, {
  name: 'jobs_input',
  timing: 'BEFORE',
  events: `INSERT OR UPDATE OF queue, intent, max_attempts, backoff_seconds, attempt_timeout_seconds, on_lost, limit_key, progress_message, wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action, usage, metadata, inputs`,
  each: 'ROW',
  function: 'jobs_check_input',
})

/** Attempts and answers go with their job. */
export const jobsDeleted = trigger(jobs, {
  name: 'jobs_deleted',
  timing: 'AFTER',
  events: 'DELETE',
  each: 'STATEMENT',
  function: 'jobs_delete_attempts',
  referencing: 'OLD TABLE AS deleted',
})

/**
 * A parent that waits for its children goes on when the last of them ends, whoever ended it. Functions that end many jobs
 * in one statement say by `opa.parents` that they continue the parents themselves, each once.
 */
export const jobsChildEnded = trigger(jobs, {
  name: 'jobs_child_ended',
  timing: 'AFTER',
  // Only completed_at: a claim or a heartbeat need not read the condition.
  events: 'UPDATE OF completed_at',
  each: 'ROW',
  function: 'jobs_continue_parent',
  when: `NEW.parent_id IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL
    AND current_setting('opa.parents', true) IS DISTINCT FROM 'continued'`,
})

/** A row of `jobs` as it is read. */
export type Job = typeof jobs.$inferSelect

/** A row of `jobs` as it is written. Prefer {@link enqueue}, which checks and deduplicates. */
export type NewJob = typeof jobs.$inferInsert
