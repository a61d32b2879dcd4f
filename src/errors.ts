/**
 * Base class of all errors thrown by opa-db. `code` is a stable string to branch on; `cause` is the underlying error of
 * the driver, without the errors in between. What a log of the whole error prints has neither statements nor contents
 * of rows: the driver's fields that may have them (`detail`, `where`, `query` and the like) are there but not enumerable.
 */
export abstract class OpaError extends Error {
  abstract readonly code: string
  constructor(message: string, options?: ErrorOptions) {
    super(message, options?.cause === undefined ? options : { ...options, cause: onlyCause(options.cause) })
    this.name = new.target.name
  }
}

/** The error at the bottom: below this package's own and below Drizzle's, whose message is the whole statement. */
export function onlyCause(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const isBetween = error instanceof OpaError || ('query' in error && 'params' in error)
  if (isBetween && error.cause !== undefined) return onlyCause(error.cause)
  for (const name of contents) {
    if (name in error) Object.defineProperty(error, name, { enumerable: false })
  }
  return error
}

const contents = ['detail', 'where', 'internalQuery', 'query', 'params', 'parameters', 'args']

/** An argument is not what the function takes; the message says what was expected and what came. */
export class InvalidInputError extends OpaError {
  readonly code = 'invalid_input'
}

/** What was asked for contradicts a row that is there: an id of another namespace, a state that forbids it. */
export class ConflictError extends OpaError {
  readonly code = 'conflict'
}

/** A row that must be there is not. */
export class NotFoundError extends OpaError {
  readonly code = 'not_found'
}

/** The database is not one that this version of the package can work with; the message says what to do. */
export class UnsupportedDatabaseError extends OpaError {
  readonly code = 'unsupported_database'
}

/** A migration failed, or the database's ledger does not fit this version of the package. */
export class MigrationError extends OpaError {
  readonly code = 'migration_failed'
}

/** The settings that say where the database is do not make sense, or a driver that they need is not installed. */
export class ConfigurationError extends OpaError {
  readonly code = 'configuration'
}

/** The database refused a statement for a reason that is none of the above; `cause` is the driver's error. */
export class DatabaseError extends OpaError {
  readonly code = 'database'
}

/** Every connection of the pool was in use for as long as `acquireTimeoutSeconds` of `connect` says; nothing was sent. */
export class AcquireTimeoutError extends OpaError {
  readonly code = 'acquire_timeout'
}

/** The embedder gave no vectors, or not the ones that were asked for; the message says which service and why. */
export class EmbedderError extends OpaError {
  readonly code = 'embedder'
  /** `texts`: it would refuse them again, others may do. `service`: no text would do until it is back or set up rightly. */
  readonly blames: 'texts' | 'service'
  constructor(
    message: string,
    { blames = 'texts', ...options }: ErrorOptions & { blames?: 'texts' | 'service' } = {},
  ) {
    super(message, options)
    this.blames = blames
  }
}
