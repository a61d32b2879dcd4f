import type { Database } from './database.ts'

/** A database over connections of its own, beside those of the one that it was made from. */
export interface OwnClient {
  readonly db: Database
  close(): Promise<void>
}

/** What this needs to know of a postgres.js client. */
export interface PostgresJsClient {
  readonly options: object
  readonly reserve: unknown
  end(options: { timeout: number }): Promise<void>
}

/** And of node-postgres' Pool; `password` is not enumerable there. */
export interface NodePostgresPool {
  readonly options: { readonly password?: unknown }
  readonly totalCount: number
  readonly constructor: unknown
  on(event: 'error', listener: (error: Error) => void): void
  end(): Promise<void>
}

/** The client below a Drizzle database, unless that is a transaction. */
export const clientOf = (db: Database): unknown => (db as { $client?: unknown }).$client

export function isPostgresJs(client: unknown): client is PostgresJsClient {
  return typeof client === 'function' && 'options' in client && 'reserve' in client
}

export function isNodePostgresPool(client: unknown): client is NodePostgresPool {
  return typeof client === 'object' && client !== null && 'totalCount' in client && 'options' in client
}

/** PGlite has one connection, in this process, which nothing can hold for long but a transaction. */
export function isPglite(client: unknown): boolean {
  return typeof client === 'object' && client !== null && 'execProtocolRaw' in client
}

/**
 * A database with the settings of `db` over at most `max` connections of its own, opened when they are needed. Undefined
 * where the driver is neither postgres.js nor a Pool of node-postgres, or `db` is a transaction.
 */
export async function ownClient(db: Database, max: number): Promise<OwnClient | undefined> {
  const client = clientOf(db)
  if (isPostgresJs(client)) {
    const { default: postgres } = await import('postgres')
    // As postgres.js itself does for the connection that listens: parsed options are taken as they are. Without fetching
    // types, which no job has arrays of: a connection that is cut off meanwhile leaves a rejection that nobody handles.
    const own = postgres({ ...client.options, max, fetch_types: false } as never)
    return { db: databaseOver(db, own), close: () => own.end({ timeout: 5 }) }
  }
  if (isNodePostgresPool(client)) {
    const Pool = client.constructor as new (options: object) => NodePostgresPool
    const own = new Pool({ ...client.options, password: client.options.password, min: 0, max })
    // A connection that ends while it is idle; the next query opens another one.
    own.on('error', () => {})
    return { db: databaseOver(db, own), close: () => own.end() }
  }
  return undefined
}

/** Drizzle's sessions and databases of both drivers are made from the same arguments; the dialect is shared. */
interface Parts {
  readonly dialect: unknown
  readonly session: { readonly options?: unknown; readonly constructor: unknown }
  readonly constructor: unknown
}

function databaseOver(db: Database, client: unknown): Database {
  const like = db as unknown as Parts
  const { dialect, session } = like
  const Session = session.constructor as new (...parts: unknown[]) => unknown
  const Drizzle = like.constructor as new (...parts: unknown[]) => Database
  const own = new Drizzle(dialect, new Session(client, dialect, {}, session.options), {})
  return Object.assign(own, { $client: client })
}
