import type { PGlite } from '@electric-sql/pglite'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import { ConfigurationError } from '../errors.ts'
import * as schema from '../schema/index.ts'
import type { DatabaseLocation } from './location.ts'
import { usePreparedStatements } from './prepared.ts'
import { checkedSchema, quoteIdentifier, useSchema } from './schema-name.ts'

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
  { maxConnections = 10, prepare = true }: ConnectOptions,
): Promise<Connection> {
  const [{ default: postgres }, { drizzle }] = await installed('postgres', () =>
    Promise.all([import('postgres'), import('drizzle-orm/postgres-js')]),
  )
  const client = postgres(location.url, {
    max: maxConnections,
    prepare,
    onnotice: () => {},
    ...(location.schema !== undefined && { connection: { search_path: searchPath(location.schema) } }),
  })
  const db = drizzle(client, { schema })
  if (prepare) usePreparedStatements(db)
  if (location.schema !== undefined) useSchema(db, location.schema)
  return { db, location, close: () => client.end({ timeout: 5 }) }
}

async function connectEmbedded(location: DatabaseLocation & { kind: 'embedded' }): Promise<Connection> {
  const { drizzle } = await import('drizzle-orm/pglite')
  const client = await openEmbedded(location.dataDir)
  const db = drizzle(client, { schema })
  if (location.schema !== undefined) {
    useSchema(db, location.schema)
    await client.query(`SET search_path = ${searchPath(location.schema)}`)
  }
  return { db, location, close: () => client.close() }
}

/** For Drizzle's own queries, which name the tables alone; and those of a service, and the extensions' types, behind. */
function searchPath(schema: string): string {
  return `${quoteIdentifier(checkedSchema(schema))}, public, extensions`
}

/** A PGlite with the two extensions that the migrations need. */
export async function openEmbedded(dataDir: string): Promise<PGlite> {
  const [{ PGlite }, { vector }, { pg_trgm }] = await installed('@electric-sql/pglite', () =>
    Promise.all([
      import('@electric-sql/pglite'),
      import('@electric-sql/pglite-pgvector'),
      import('@electric-sql/pglite/contrib/pg_trgm'),
    ]),
  )
  return PGlite.create({ dataDir, extensions: { vector, pg_trgm } })
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
