import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { readRows } from '../../database/replicas.ts'
import { toDate, toDateOrNull, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { Job } from '../../schema/jobs.ts'
import { textSql } from '../parameters.ts'

/** A job as the tree shows it. */
export interface JobTreeNode
  extends Pick<
    Job,
    | 'id'
    | 'parentId'
    | 'queue'
    | 'intent'
    | 'mode'
    | 'status'
    | 'progress'
    | 'progressMessage'
    | 'attempt'
    | 'waitReason'
    | 'error'
    | 'usage'
    | 'createdAt'
    | 'startedAt'
    | 'completedAt'
  > {
  /** 0 for the job that was asked for. */
  readonly depth: number
}

/**
 * A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
 *
 * @returns no nodes if there is no such job.
 * @example
 * for (const node of await jobTree(db, { id })) console.log('  '.repeat(node.depth) + node.intent, node.status)
 */
export async function jobTree(db: Database, { id }: { readonly id: string }): Promise<JobTreeNode[]> {
  const rows = await readRows(
    db,
    sql`SELECT depth, id, parent_id, queue, intent, mode, status, progress, progress_message, attempt, wait_reason,
      error::text AS error, usage::text AS usage, created_at, started_at, completed_at
      FROM ${api(db)}job_tree(${textSql('id', id)})`,
  )
  return rows.map((row) => ({
    depth: toNumber(row.depth),
    id: row.id as string,
    parentId: row.parent_id as string | null,
    queue: row.queue as string,
    intent: row.intent as string,
    mode: row.mode as Job['mode'],
    status: row.status as Job['status'],
    progress: toNumber(row.progress),
    progressMessage: row.progress_message as string | null,
    attempt: toNumber(row.attempt),
    waitReason: row.wait_reason as Job['waitReason'],
    error: row.error === null ? null : JSON.parse(row.error as string),
    usage: JSON.parse(row.usage as string),
    createdAt: toDate(row.created_at),
    startedAt: toDateOrNull(row.started_at),
    completedAt: toDateOrNull(row.completed_at),
  }))
}
