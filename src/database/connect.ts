import type { PGlite } from '@electric-sql/pglite'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import { ConfigurationError } from '../errors.ts'
import * as schema from '../schema/index.ts'
import { limitAcquiring } from './acquire-timeout.ts'
import { openFolder } from './embedded-folder.ts'
import type { DatabaseLocation } from './location.ts'
import { usePreparedStatements } from './prepared.ts'

/** An open database: `db` for the helpers and for Drizzle's own queries, `close` when done. */
export interface Connection {
  readonly db: OpenDatabase
  readonly location: DatabaseLocation
  close(): Promise<void>
}

export type OpenDatabase =
  | (PostgresJsDatabase<typeof schema> & { $client: Sql })
  | (PgliteDatabase<typeof schema> & { $client: PGlite })

export interface ConnectOptions {
  /** Connections of the pool, 10 by default. An embedded database has one. */
  readonly maxConnections?: number
  /** False where a pooler in transaction mode (PgBouncer) is in between. True by default. */
  readonly prepare?: boolean
  /**
   * How long a query or a transaction waits for a free connection of the pool before it fails with an
   * {@link AcquireTimeoutError}; 30 by default, 0 for ever. An embedded database has no pool.
   */
  readonly acquireTimeoutSeconds?: number
}

/**
 * Opens a database: `{ kind: 'server', url }` over postgres.js, or `{ kind: 'embedded', dataDir }` as a PGlite in this
 * process, with its extensions. It does not migrate: call `migrate(db)`.
 *
 * @throws ConfigurationError if the driver that is needed is not installed.
 * @example
 * const { db, close } = await connect({ kind: 'embedded', dataDir: '.opa' })
 */
export async function connect(location: DatabaseLocation, options: ConnectOptions = {}): Promise<Connection> {
  return location.kind === 'server' ? connectServer(location, options) : connectEmbedded(location)
}

async function connectServer(
  location: DatabaseLocation & { kind: 'server' },
  { maxConnections = 10, prepare = true, acquireTimeoutSeconds = 30 }: ConnectOptions,
): Promise<Connection> {
  const [{ default: postgres }, { drizzle }] = await installed('postgres', () =>
    Promise.all([import('postgres'), import('drizzle-orm/postgres-js')]),
  )
  const client = postgres(location.url, {
    max: maxConnections,
    prepare,
    onnotice: () => {},
    // Times come as text, which a role's or a database's own DateStyle would make unreadable.
    connection: { DateStyle: 'ISO' },
  })
  if (acquireTimeoutSeconds > 0) limitAcquiring(client, acquireTimeoutSeconds)
  const db = drizzle(client, { schema })
  if (prepare) usePreparedStatements(db)
  return { db, location, close: () => client.end({ timeout: 5 }) }
}

async function connectEmbedded(location: DatabaseLocation & { kind: 'embedded' }): Promise<Connection> {
  const { drizzle } = await import('drizzle-orm/pglite')
  const client = await openEmbedded(location.dataDir)
  return { db: drizzle(client, { schema }), location, close: () => client.close() }
}

/**
 * A PGlite with the two extensions that the migrations need, and the only one that has the folder open until it is closed.
 *
 * @throws ConfigurationError if another process, or this one, has it open.
 */
export async function openEmbedded(dataDir: string): Promise<PGlite> {
  const [{ PGlite }, { vector }, { pg_trgm }] = await installed('@electric-sql/pglite', () =>
    Promise.all([
      import('@electric-sql/pglite'),
      import('@electric-sql/pglite-pgvector'),
      import('@electric-sql/pglite/contrib/pg_trgm'),
    ]),
  )
  const open = () => PGlite.create({ dataDir, extensions: { vector, pg_trgm } })
  if (/^(memory|idb|opfs-\w+):\/\//.test(dataDir) || dataDir === '') return open()
  return openFolder(dataDir.replace(/^file:\/\//, ''), {
    open,
    make: async (folder) => (await PGlite.create({ dataDir: folder })).close(),
  })
}

/** Drivers are optional: say which one is missing instead of a bare ERR_MODULE_NOT_FOUND. */
async function installed<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const packages = name === 'postgres' ? name : `${name} ${name}-pgvector`
    throw new ConfigurationError(`a driver is missing, install it: npm install ${packages}`, { cause: error })
  }
}
