import { type SQL, sql } from 'drizzle-orm'
import { InvalidInputError } from '../../errors.ts'
import type { ExecutionMode, JobStatus } from '../../schema/enums.ts'

/** Which jobs are meant; every condition that is given must hold, and an empty filter means all. */
export interface JobFilter {
  readonly queue?: string
  readonly intent?: string
  readonly statuses?: readonly JobStatus[]
  readonly modes?: readonly ExecutionMode[]
  /** Who holds, or last held, its lease. */
  readonly workerId?: string
  readonly parentId?: string
  /** All descendants of this job. */
  readonly rootId?: string
  readonly traceId?: string
  readonly limitKey?: string
  /** The `code` of its error. */
  readonly errorCode?: string
  /** Created at or after this. */
  readonly since?: Date | string
  /** Created before this. */
  readonly until?: Date | string
  readonly ids?: readonly string[]
}

const databaseKeys: Record<keyof JobFilter, string> = {
  queue: 'queue',
  intent: 'intent',
  statuses: 'statuses',
  modes: 'modes',
  workerId: 'worker_id',
  parentId: 'parent_id',
  rootId: 'root_id',
  traceId: 'trace_id',
  limitKey: 'limit_key',
  errorCode: 'error_code',
  since: 'since',
  until: 'until',
  ids: 'ids',
}

/**
 * The filter as the SQL functions take it. A key whose value is undefined is refused: a filter that was meant to be narrow
 * must not mean every job.
 */
export function jobFilterSql(filter: JobFilter): SQL {
  if (filter === null || typeof filter !== 'object' || Array.isArray(filter)) {
    throw new InvalidInputError(`filter must be an object, got ${filter === null ? 'null' : typeof filter}`)
  }
  const entries = Object.entries(filter).map(([key, value]) => {
    const name = databaseKeys[key as keyof JobFilter]
    if (name === undefined) throw new InvalidInputError(`filter has an unknown key, ${key}`)
    if (value === undefined || value === null) {
      throw new InvalidInputError(`filter.${key} must be given or left out, got ${String(value)}`)
    }
    if (value instanceof Date && Number.isNaN(value.getTime())) {
      throw new InvalidInputError(`filter.${key} must be a time, got an invalid Date`)
    }
    return [name, value] as const
  })
  return sql`${JSON.stringify(Object.fromEntries(entries))}::text::jsonb`
}
