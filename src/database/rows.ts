import { DrizzleQueryError, type SQL } from 'drizzle-orm'
import { ConflictError, DatabaseError, InvalidInputError, NotFoundError, type OpaError } from '../errors.ts'
import type { Database } from './database.ts'

/** A row as the driver gave it, by database names. */
export type Row = Record<string, unknown>

/**
 * Runs a statement and gives its rows, whatever the driver's result looks like; the database's refusals become this
 * package's errors.
 */
export async function queryRows(db: Database, statement: SQL): Promise<Row[]> {
  return rowsOf(await translatingErrors(() => Promise.resolve(db.execute(statement))))
}

/** The rows of `db.execute`: postgres.js gives an array, node-postgres and PGlite an object with `rows`. */
export function rowsOf(result: unknown): Row[] {
  if (Array.isArray(result)) return result as Row[]
  const rows = (result as { rows?: unknown } | null)?.rows
  if (Array.isArray(rows)) return rows as Row[]
  throw new DatabaseError(`expected rows from the driver, got ${typeof result}`)
}

/** Under Drizzle, postgres.js gives timestamps of raw statements as text, PGlite and node-postgres as text or `Date`. */
export function toDate(value: unknown): Date {
  const date = value instanceof Date ? value : new Date(isoTimestamp(String(value)))
  if (Number.isNaN(date.getTime())) throw new DatabaseError(`expected a timestamp, got ${String(value)}`)
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

/** Runs `work`; a refusal by the database is thrown as one of this package's errors, with the driver's as its cause. */
export async function translatingErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translateError(error) ?? error
  }
}

interface PostgresError {
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
}

/** The driver's own error below Drizzle's, which repeats the statement and its parameters. */
export function postgresError(error: unknown): PostgresError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return at as Error & PostgresError
  }
  return undefined
}

/** What the drivers and Node say when there is no connection to the database, or no longer. */
const connectionErrors =
  /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT)/

function connectionError(error: unknown): (Error & { code: string }) | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string' && connectionErrors.test(code)) return at as Error & { code: string }
  }
  return undefined
}

function translateError(error: unknown): OpaError | undefined {
  const options = { cause: error }
  const refused = postgresError(error)
  if (refused === undefined) {
    const lost = connectionError(error)
    if (lost) return new DatabaseError(`no connection to the database: ${lost.message || lost.code}`, options)
    if (!(error instanceof DrizzleQueryError)) return undefined
    return new DatabaseError(
      `the driver failed: ${error.cause?.message ?? 'for a reason it does not give'}`,
      options,
    )
  }
  if (refused.code === 'P0002') return new NotFoundError(refused.message, options)
  // Class 22 is bad data; a check or a null that was refused is the caller's input too, and so is a text that is too
  // long to be taken apart (54000).
  if (refused.code.startsWith('22') || ['23502', '23514', '23503', '54000'].includes(refused.code)) {
    return new InvalidInputError(refused.message, options)
  }
  const message = refused.detail ? `${refused.message}: ${refused.detail}` : refused.message
  if (refused.code === '23505' || refused.code === '55000') return new ConflictError(message, options)
  return new DatabaseError(message, options)
}
