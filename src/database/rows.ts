import type { SQL } from 'drizzle-orm'
import { DatabaseError } from '../errors.ts'
import type { Database } from './database.ts'
import { translatingErrors } from './translate-error.ts'

// Every result of the database passes through here. After a statement that failed while its rows were arriving,
// postgres.js leaves holes at the beginning of the connection's next result (porsager/postgres#1119): they are dropped,
// and a number of rows that a function promises is checked.

export { postgresError, translatingErrors } from './translate-error.ts'

/** A row as the driver gave it, by database names. */
export type Row = Record<string, unknown>

/**
 * Runs a statement and gives its rows, whatever the driver's result looks like; the database's refusals become this
 * package's errors.
 */
export async function queryRows(db: Database, statement: SQL): Promise<Row[]> {
  return rowsOf(await translatingErrors(() => Promise.resolve(db.execute(statement))))
}

/** {@link queryRows} for a statement that gives one row. */
export async function queryRow(db: Database, statement: SQL): Promise<Row> {
  return onlyRow(await queryRows(db, statement))
}

/** The rows of a query that Drizzle built (`db.select()`, `.returning()`), with the errors of {@link queryRows}. */
export async function builtRows<T>(query: () => PromiseLike<T[]>): Promise<T[]> {
  return withoutHoles(await translatingErrors(async () => query()))
}

/** The rows of `db.execute`: postgres.js gives an array, node-postgres and PGlite an object with `rows`. */
export function rowsOf(result: unknown): Row[] {
  if (Array.isArray(result)) return withoutHoles(result as Row[])
  const rows = (result as { rows?: unknown } | null)?.rows
  if (Array.isArray(rows)) return withoutHoles(rows as Row[])
  throw new DatabaseError(`expected rows from the driver, got ${typeof result}`)
}

function withoutHoles<T>(rows: T[]): T[] {
  return rows.includes(undefined as T) ? rows.filter((row) => row !== undefined) : rows
}

/**
 * The rows, if they are as many as the statement promises.
 *
 * @throws DatabaseError otherwise: an answer of another shape must not be taken for another job's or memory's.
 */
export function promisedRows(rows: Row[], count: number): Row[] {
  if (rows.length === count) return rows
  throw new DatabaseError(`expected ${count} row(s) from the database, got ${rows.length}`)
}

export function onlyRow(rows: Row[]): Row {
  return promisedRows(rows, 1)[0] as Row
}

/** Under Drizzle, postgres.js gives timestamps of raw statements as text, PGlite and node-postgres as text or `Date`. */
export function toDate(value: unknown): Date {
  const date = value instanceof Date ? value : new Date(isoTimestamp(String(value)))
  if (Number.isNaN(date.getTime())) {
    throw new DatabaseError(
      `expected a timestamp (the session's DateStyle must be ISO), got ${String(value)}`,
    )
  }
  return date
}

/** `2026-01-31 10:00:00.5+00` as ISO 8601: browsers and Node parse the first only by accident. */
function isoTimestamp(text: string): string {
  // Most are in UTC, and a batch of jobs has thousands.
  if (text.endsWith('+00') && text[10] === ' ') return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`
  return text.replace(' ', 'T').replace(/([+-]\d{2})$/, '$1:00')
}

export function toDateOrNull(value: unknown): Date | null {
  return value === null || value === undefined ? null : toDate(value)
}

/** Numbers of raw statements: int8 and numeric arrive as text. */
export function toNumber(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(value)
  if (value === null || value === '' || Number.isNaN(number)) {
    throw new DatabaseError(`expected a number, got ${String(value)}`)
  }
  return number
}

export function toNumberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : toNumber(value)
}

/** jsonb of raw statements: drivers differ in whether they parse it. */
export function toJson<T>(value: unknown): T {
  return (typeof value === 'string' ? JSON.parse(value) : value) as T
}

/**
 * text[] as the driver gave it: an array, or what PostgreSQL writes (`{a,"b,c"}`) where it fetches no types and Drizzle
 * does not parse (1.0 leaves that to the driver).
 */
export function toTexts(value: unknown): string[] {
  if (Array.isArray(value)) return value as string[]
  const text = String(value)
  if (!text.startsWith('{') || !text.endsWith('}')) {
    throw new DatabaseError(`expected an array of texts, got ${text.slice(0, 100)}`)
  }
  // Quoted where it would be misread: quotes and backslashes in it are escaped by a backslash.
  return [...text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|[^,]+/gs)].map(([plain, quoted]) =>
    quoted === undefined ? plain : quoted.replaceAll(/\\(.)/gs, '$1'),
  )
}
