import {
  ConflictError,
  DatabaseError,
  InvalidInputError,
  NotFoundError,
  OpaError,
  onlyCause,
} from '../errors.ts'
import { callerNames } from './caller-names.ts'

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
  readonly hint?: string | undefined
  /** The C function that raised it. */
  readonly routine?: string | undefined
}

/** The driver's own error below Drizzle's, which repeats the statement and its parameters. */
export function postgresError(error: unknown): (Error & PostgresError) | undefined {
  return errorBelow(error, (code) => /^[0-9A-Z]{5}$/.test(code)) as (Error & PostgresError) | undefined
}

/** What the drivers and Node say when there is no connection to the database, or no longer. */
const connectionErrors =
  /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT)/

function errorBelow(error: unknown, isMeant: (code: string) => boolean): Error | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string' && isMeant(code)) return at
  }
  return undefined
}

/** Tables, columns, functions, types and schemas that are not there. */
const missingObjects = new Set(['42P01', '42703', '42883', '42704', '3F000'])

/** This package's error for one of the driver; undefined for what is none, such as an error of the caller's own callback. */
export function translateError(error: unknown): OpaError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof OpaError) return at
  const refused = postgresError(error)
  if (refused !== undefined) return translateRefusal(refused)
  const lost = errorBelow(error, (code) => connectionErrors.test(code))
  if (lost) {
    const { code } = lost as Error & { code: string }
    return new DatabaseError(`no connection to the database: ${lost.message || code}`, { cause: lost })
  }
  const failed = onlyCause(error)
  if (failed === error) return undefined
  const reason = failed instanceof Error ? failed.message : 'for a reason it does not give'
  return new DatabaseError(`the driver failed: ${shortened(reason)}`, { cause: failed })
}

function translateRefusal(cause: Error & PostgresError): OpaError {
  const { code } = cause
  // Raised by a function of this package: its text is ours, by the names of SQL, and has no row's contents.
  const isOurs = cause.routine === 'exec_stmt_raise'
  const said = isOurs ? callerNames(cause.message) : cause.message
  const message = shortened(isOurs && cause.detail ? `${said}: ${cause.detail}` : said)
  if (code === 'P0002') return new NotFoundError(message, { cause })
  // Class 22 is bad data; a check or a null that was refused is the caller's input too, and so is a text that is too
  // long to be taken apart (54000).
  if (code.startsWith('22') || ['23502', '23514', '23503', '54000'].includes(code)) {
    return new InvalidInputError(message, { cause })
  }
  if (code === '23505' || code === '55000') return new ConflictError(message, { cause })
  if (!isOurs && missingObjects.has(code)) {
    return new DatabaseError(
      `this database is not migrated to the version of opa-db that runs here (${message}): call migrate(db) first, or connect with the schema that it was migrated in`,
      { cause },
    )
  }
  return new DatabaseError(message, { cause })
}

/** A server's message may repeat an argument of any length. */
function shortened(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 499)}…`
}
