import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { type Row, toDateOrNull, toNumberOrNull } from '../database/rows.ts'
import { type Job, jobs } from '../schema/jobs.ts'

const columns = Object.entries(getTableColumns(jobs)).map(([key, column]) => ({
  key,
  name: column.name,
  type: column.dataType,
}))

/**
 * The columns of a job for the select list of a raw statement. JSON is asked for as text: some drivers parse it and some
 * do not, and of a JSON string one cannot tell afterwards which.
 */
export const jobColumns: SQL = sql.raw(
  columns.map(({ name, type }) => (type === 'json' ? `${name}::text AS ${name}` : name)).join(', '),
)

/** A job from a row with `jobColumns`. */
export function decodeJob(row: Row): Job {
  const job: Record<string, unknown> = {}
  for (const { key, name, type } of columns) job[key] = decode(row[name], type)
  return job as Job
}

function decode(value: unknown, type: string): unknown {
  if (value === null) return null
  if (type === 'date') return toDateOrNull(value)
  if (type === 'number') return toNumberOrNull(value)
  if (type === 'json') return JSON.parse(value as string)
  return value
}
