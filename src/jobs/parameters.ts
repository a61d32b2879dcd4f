import { type SQL, sql } from 'drizzle-orm'
import { InvalidInputError } from '../errors.ts'

// Every parameter goes to the driver as text and is cast in SQL: drivers differ in how they send numbers, dates, arrays
// and JSON, and agree about text.

/** A length of time: seconds, or what PostgreSQL reads as an interval, for example `'30 days'`. */
export type Duration = number | string

/** A `text` parameter; undefined is null. */
export function textSql(name: string, value: string | null | undefined): SQL {
  if (value !== undefined && value !== null && typeof value !== 'string') {
    throw new InvalidInputError(`${name} must be a string, got ${typeof value}`)
  }
  return sql`${value ?? null}::text`
}

/** A numeric parameter of the named SQL type; undefined is null. */
export function numberSql(
  name: string,
  value: number | null | undefined,
  type: 'int' | 'bigint' | 'float8' | 'numeric',
): SQL {
  if (value === undefined || value === null) return sql.raw(`NULL::${type}`)
  const isWhole = type === 'int' || type === 'bigint'
  if (typeof value !== 'number' || Number.isNaN(value) || (isWhole && !Number.isSafeInteger(value))) {
    throw new InvalidInputError(`${name} must be a ${isWhole ? 'whole ' : ''}number, got ${String(value)}`)
  }
  return sql`${String(value)}::text::${sql.raw(type)}`
}

/** A `timestamptz` parameter: a Date or ISO 8601; undefined is null. */
export function momentSql(name: string, value: Date | string | null | undefined): SQL {
  if (value === undefined || value === null) return sql`NULL::timestamptz`
  const date = value instanceof Date ? value : new Date(value)
  if (Number.isNaN(date.getTime())) {
    throw new InvalidInputError(`${name} must be a Date or an ISO 8601 time, got ${String(value)}`)
  }
  return sql`${value instanceof Date ? value.toISOString() : value}::text::timestamptz`
}

/** An `interval` parameter. */
export function durationSql(name: string, value: Duration): SQL {
  if (typeof value === 'number' && Number.isFinite(value))
    return sql`make_interval(secs => ${String(value)}::text::float8)`
  if (typeof value === 'string') return sql`${value}::text::interval`
  throw new InvalidInputError(
    `${name} must be a number of seconds or an interval such as '30 days', got ${String(value)}`,
  )
}

/** A `jsonb` parameter; undefined is SQL null. */
export function jsonSql(name: string, value: unknown): SQL {
  return sql`${value === undefined ? null : jsonText(name, value)}::text::jsonb`
}

export function jsonText(name: string, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new InvalidInputError(`${name} must be a value that JSON can hold: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (text === undefined)
    throw new InvalidInputError(`${name} must be a value that JSON can hold, got ${typeof value}`)
  return text
}

/** An array parameter of the named SQL type, as PostgreSQL's own array literal; undefined is null. */
export function arraySql(
  name: string,
  values: readonly (string | number | null)[] | null | undefined,
  type: 'text' | 'bigint' | 'jsonb' | 'public.job_status' | 'public.execution_mode',
): SQL {
  const elementType = sql.raw(`${type}[]`)
  if (values === undefined || values === null) return sql`NULL::${elementType}`
  if (!Array.isArray(values)) throw new InvalidInputError(`${name} must be an array, got ${typeof values}`)
  const quoted = values.map((value) =>
    value === null ? 'NULL' : `"${String(value).replace(/[\\"]/g, '\\$&')}"`,
  )
  return sql`${`{${quoted.join(',')}}`}::text::${elementType}`
}
