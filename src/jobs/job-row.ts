import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { type Row, toDate, toDateOrNull, toNumber } from '../database/rows.ts'
import { type Job, jobs } from '../schema/jobs.ts'

const columns = Object.values(getTableColumns(jobs))

/**
 * The columns of a job for the select list of a raw statement. JSON is asked for as text: some drivers parse it and some
 * do not, and of a JSON string one cannot tell afterwards which.
 */
export const jobColumns: SQL = sql.raw(
  columns.map(({ name, dataType }) => (dataType === 'json' ? `${name}::text AS ${name}` : name)).join(', '),
)

/** A job from a row with `jobColumns`. Written out, because a batch of claims spends its time here. */
export function decodeJob(row: Row): Job {
  return {
    id: row.id as Job['id'],
    status: row.status as Job['status'],
    leaseToken: toNumber(row.lease_token),
    leaseExpiresAt: toDateOrNull(row.lease_expires_at),
    heartbeatAt: toDateOrNull(row.heartbeat_at),
    progress: toNumber(row.progress),
    progressMessage: row.progress_message as Job['progressMessage'],
    queue: row.queue as Job['queue'],
    priority: toNumber(row.priority),
    runAt: toDate(row.run_at),
    mode: row.mode as Job['mode'],
    intent: row.intent as Job['intent'],
    attempt: toNumber(row.attempt),
    maxAttempts: toNumber(row.max_attempts),
    backoffSeconds: toNumber(row.backoff_seconds),
    workerId: row.worker_id as Job['workerId'],
    deadlineAt: toDateOrNull(row.deadline_at),
    cancelRequestedAt: toDateOrNull(row.cancel_requested_at),
    createdAt: toDate(row.created_at),
    startedAt: toDateOrNull(row.started_at),
    completedAt: toDateOrNull(row.completed_at),
    updatedAt: toDate(row.updated_at),
    waitReason: row.wait_reason as Job['waitReason'],
    idempotencyKey: row.idempotency_key as Job['idempotencyKey'],
    singletonKey: row.singleton_key as Job['singletonKey'],
    parentId: row.parent_id as Job['parentId'],
    rootId: row.root_id as Job['rootId'],
    traceId: row.trace_id as Job['traceId'],
    callbackUrl: row.callback_url as Job['callbackUrl'],
    requiredAction: json(row.required_action) as Job['requiredAction'],
    usage: json(row.usage) as Job['usage'],
    error: json(row.error) as Job['error'],
    metadata: json(row.metadata) as Job['metadata'],
    inputs: json(row.inputs) as Job['inputs'],
    result: json(row.result) as Job['result'],
  }
}

function json(value: unknown): unknown {
  return value === null ? null : JSON.parse(value as string)
}
