import { type SQL, sql } from 'drizzle-orm'
import { checkedTime } from '../database/time.ts'
import { InvalidInputError } from '../errors.ts'
import { jsonProblem } from './json-problem.ts'

// Every parameter goes to the driver as text and is cast in SQL: drivers differ in how they send numbers, dates, arrays
// and JSON, and agree about text. `…Value` gives that text, for a statement whose own text is ready made; `…Sql` gives the
// parameter with its cast.

/** A length of time: seconds, or what PostgreSQL reads as an interval, for example `'30 days'`. */
export type Duration = number | string

type NumericType = 'int' | 'bigint' | 'float8' | 'numeric'

/** A `text` parameter; undefined is null. */
export function textSql(name: string, value: string | null | undefined): SQL {
  return sql`${textValue(name, value)}::text`
}

export function textValue(name: string, value: string | null | undefined): string | null {
  if (value !== undefined && value !== null && typeof value !== 'string') {
    throw new InvalidInputError(`${name} must be a string, got ${typeof value}`)
  }
  return value ?? null
}

/** A numeric parameter of the named SQL type; undefined is null. */
export function numberSql(name: string, value: number | null | undefined, type: NumericType): SQL {
  const text = numberValue(name, value, type)
  return text === null ? sql.raw(`NULL::${type}`) : sql`${text}::text::${sql.raw(type)}`
}

export function numberValue(
  name: string,
  value: number | null | undefined,
  type: NumericType,
): string | null {
  if (value === undefined || value === null) return null
  const isWhole = type === 'int' || type === 'bigint'
  if (typeof value !== 'number' || Number.isNaN(value) || (isWhole && !Number.isSafeInteger(value))) {
    throw new InvalidInputError(`${name} must be a ${isWhole ? 'whole ' : ''}number, got ${String(value)}`)
  }
  return String(value)
}

/** A `timestamptz` parameter: a Date or ISO 8601, UTC where no zone is said; undefined is null. */
export function momentSql(name: string, value: Date | string | null | undefined): SQL {
  const text = momentValue(name, value)
  return text === null ? sql`NULL::timestamptz` : sql`${text}::text::timestamptz`
}

export function momentValue(name: string, value: Date | string | null | undefined): string | null {
  return value === undefined || value === null ? null : checkedTime(value, name)
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
  return sql`${jsonValue(name, value)}::text::jsonb`
}

/** {@link jsonText}; undefined is null, which is not JSON's. */
export function jsonValue(name: string, value: unknown): string | null {
  return value === undefined ? null : jsonText(name, value)
}

/** @throws InvalidInputError that names the path of what JSON, or PostgreSQL's, cannot hold. */
export function jsonText(name: string, value: unknown): string {
  const problem = jsonProblem(value)
  if (problem !== undefined) {
    throw new InvalidInputError(`${name} must be a value that JSON can hold: ${name}${problem}`)
  }
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

type Elements = readonly (string | number | null)[]

/** An array parameter of the named SQL type, as PostgreSQL's own array literal; undefined is null. */
export function arraySql(
  name: string,
  values: Elements | null | undefined,
  type: 'text' | 'bigint' | 'jsonb' | 'boolean' | 'float8' | 'enum',
): SQL {
  const text = arrayValue(name, values)
  // The parameter of the function says which enum it is, in whatever schema that lies.
  if (type === 'enum') return text === null ? sql`NULL` : sql`${text}`
  const elementType = sql.raw(`${type}[]`)
  return text === null ? sql`NULL::${elementType}` : sql`${text}::text::${elementType}`
}

export function arrayValue(name: string, values: Elements | null | undefined): string | null {
  if (values === undefined || values === null) return null
  if (!Array.isArray(values)) throw new InvalidInputError(`${name} must be an array, got ${typeof values}`)
  const quoted = values.map((value) =>
    value === null ? 'NULL' : `"${String(value).replace(/[\\"]/g, '\\$&')}"`,
  )
  return `{${quoted.join(',')}}`
}
