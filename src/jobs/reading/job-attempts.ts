import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { readRows } from '../../database/replicas.ts'
import { toDate, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { JobAttempt } from '../../schema/job-attempts.ts'
import { textSql } from '../parameters.ts'

/**
 * The leases of a job that have ended, in the order in which they were taken: who worked on it, when, and how it went.
 * Retries do not erase them.
 *
 * @example
 * for (const { attempt, workerId, outcome } of await jobAttempts(db, { id })) console.log(attempt, workerId, outcome)
 */
export async function jobAttempts(db: Database, { id }: { readonly id: string }): Promise<JobAttempt[]> {
  const rows = await readRows(
    db,
    sql`SELECT job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error::text AS error
      FROM ${api(db)}job_attempts_of(${textSql('id', id)})`,
  )
  return rows.map((row) => ({
    jobId: row.job_id as string,
    leaseToken: toNumber(row.lease_token),
    startedAt: toDate(row.started_at),
    finishedAt: toDate(row.finished_at),
    attempt: toNumber(row.attempt),
    outcome: row.outcome as JobAttempt['outcome'],
    workerId: row.worker_id as string,
    error: row.error === null ? null : JSON.parse(row.error as string),
  }))
}
