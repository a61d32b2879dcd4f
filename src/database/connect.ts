import type { PGlite } from '@electric-sql/pglite'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import { ConfigurationError } from '../errors.ts'
import type * as opaSchema from '../schema/index.ts'
import type * as opaRelations from '../schema/relations.ts'
import { limitAcquiring } from './acquire-timeout.ts'
import { knowArrayTypes } from './array-types.ts'
import type { Database, Drizzle0 } from './database.ts'
import { isDrizzle1 } from './drizzle-version.ts'
import { openFolder } from './embedded-folder.ts'
import type { DatabaseLocation, EmbeddedLocation, ServerLocation } from './location.ts'
import { usePreparedStatements } from './prepared.ts'
import { checkedSchema, quoteIdentifier, useSchema } from './schema-name.ts'

/** This package's tables and relations, for `db.query` of Drizzle 0.45. */
export type OpaSchema = typeof opaSchema & typeof opaRelations

/** Tables, enums and relations of a service, as Drizzle takes them. */
type Schema = Record<string, unknown>

// Drizzle 1.0 takes relations in place of a schema.
// biome-ignore lint/suspicious/noExplicitAny: what 1.0 has in this place cannot be named with 0.45's types
type SchemaType<S extends Schema> = Drizzle0 extends never ? any : S

/** A Drizzle database over postgres.js. */
export type ServerDatabase<S extends Schema = OpaSchema> = PostgresJsDatabase<SchemaType<S>> & {
  $client: Sql
}

/** A Drizzle database over PGlite. */
export type EmbeddedDatabase<S extends Schema = OpaSchema> = PgliteDatabase<SchemaType<S>> & {
  $client: PGlite
}

/** A Drizzle database of either kind, where which one is known only when it runs. */
export type OpenDatabase<S extends Schema = OpaSchema> = Database & {
  readonly query: ServerDatabase<S>['query']
  readonly $client: Sql | PGlite
}

/** An open database: `db` for the helpers and for Drizzle's own queries, `close` when done. */
export interface Connection<Db = OpenDatabase> {
  readonly db: Db
  readonly location: DatabaseLocation
  close(): Promise<void>
}

export interface ConnectOptions<S extends Schema = OpaSchema> {
  /** Connections of the pool, 10 by default. An embedded database has one. */
  readonly maxConnections?: number
  /** False where a pooler in transaction mode (PgBouncer) is in between. True by default. */
  readonly prepare?: boolean
  /**
   * How long a query or a transaction waits for a free connection of the pool before it fails with an
   * {@link AcquireTimeoutError}; 30 by default, 0 for ever. An embedded database has no pool.
   */
  readonly acquireTimeoutSeconds?: number
  /** The service's own tables and relations, for `db.query`, in place of this package's. Drizzle 1.0: its relations. */
  readonly schema?: S
}

/**
 * Opens a database: `{ kind: 'server', url }` over postgres.js, or `{ kind: 'embedded', dataDir }` as a PGlite in this
 * process, with its extensions. It does not migrate: call `migrate(db)`.
 *
 * @returns a Drizzle database of the driver that the kind of the location has.
 * @throws ConfigurationError if that is no location, the driver that is needed is not installed, or the folder is open in
 *   another process.
 * @example
 * const { db, close } = await connect({ kind: 'embedded', dataDir: '.opa' })
 */
export function connect<S extends Schema = OpaSchema>(
  location: ServerLocation,
  options?: ConnectOptions<S>,
): Promise<Connection<ServerDatabase<S>>>
export function connect<S extends Schema = OpaSchema>(
  location: EmbeddedLocation,
  options?: ConnectOptions<S>,
): Promise<Connection<EmbeddedDatabase<S>>>
export function connect<S extends Schema = OpaSchema>(
  location: DatabaseLocation,
  options?: ConnectOptions<S>,
): Promise<Connection<OpenDatabase<S>>>
export async function connect(
  location: DatabaseLocation,
  options: ConnectOptions<Schema> = {},
): Promise<Connection<unknown>> {
  const { kind } = checkedLocation(location)
  const { schema = isDrizzle1 ? {} : await schemaOfOpa() } = options
  // 0.45 reads the schema, and 1.0 the relations.
  const drizzleOptions = { schema, relations: schema }
  return kind === 'server'
    ? connectServer(location as ServerLocation, options, drizzleOptions)
    : overEmbedded(
        await openEmbedded((location as EmbeddedLocation).dataDir),
        location as EmbeddedLocation,
        drizzleOptions,
      )
}

export async function schemaOfOpa(): Promise<Schema> {
  const [tables, relations] = await Promise.all([
    import('../schema/index.ts'),
    import('../schema/relations.ts'),
  ])
  return { ...tables, ...relations }
}

/** A URL alone, or a misspelt kind, must not open an embedded database in its place. */
function checkedLocation(location: DatabaseLocation): DatabaseLocation {
  const { kind, url, dataDir } = (typeof location === 'object' && location !== null ? location : {}) as {
    readonly [key: string]: unknown
  }
  if (kind === 'server' && typeof url === 'string' && /^postgres(ql)?:\/\//.test(url)) return location
  if (
    kind === 'embedded' &&
    typeof dataDir === 'string' &&
    dataDir !== '' &&
    !/^postgres(ql)?:/.test(dataDir)
  ) {
    return location
  }
  throw new ConfigurationError(
    `connect must be given { kind: 'server', url: 'postgres://…' } or { kind: 'embedded', dataDir: … }, got ${described(location)}. resolveLocation(process.env) makes one from the environment`,
  )
}

/** What came, without its values: a URL has a password. */
function described(location: unknown): string {
  if (typeof location === 'string') return 'a string'
  if (typeof location !== 'object' || location === null) return String(location)
  const { kind } = location as { kind?: unknown }
  return `an object with ${Object.keys(location).join(', ') || 'no keys'}${typeof kind === 'string' ? ` of kind "${kind}"` : ''}`
}

/** Drizzle's own options differ between 0.45 and 1.0, and each lets the other's alone. */
export interface DrizzleOptions {
  readonly schema: Schema
  readonly relations: Schema
}

type DrizzleFunction<Client, Db> = (options: DrizzleOptions & { readonly client: Client }) => Db

async function connectServer(
  location: ServerLocation,
  { maxConnections = 10, prepare = true, acquireTimeoutSeconds = 30 }: ConnectOptions<Schema>,
  options: DrizzleOptions,
): Promise<Connection<ServerDatabase<Schema>>> {
  const [{ default: postgres }, { drizzle }] = await installed('postgres', () =>
    Promise.all([import('postgres'), import('drizzle-orm/postgres-js')]),
  )
  const client = postgres(location.url, {
    max: maxConnections,
    prepare,
    fetch_types: false,
    onnotice: () => {},
    connection: {
      // Times come as text, which a role's or a database's own DateStyle would make unreadable.
      DateStyle: 'ISO',
      ...(location.schema !== undefined && { search_path: searchPath(location.schema) }),
    },
  })
  knowArrayTypes(client)
  if (acquireTimeoutSeconds > 0) limitAcquiring(client, acquireTimeoutSeconds)
  const open = drizzle as unknown as DrizzleFunction<Sql, ServerDatabase<Schema>>
  const db = open({ client, ...options })
  if (prepare) usePreparedStatements(db)
  if (location.schema !== undefined) useSchema(db, location.schema)
  return { db, location, close: () => client.end({ timeout: 5 }) }
}

/** The connection that `connect` gives, over a PGlite that is open. */
export async function overEmbedded(
  client: PGlite,
  location: EmbeddedLocation,
  options: DrizzleOptions,
): Promise<Connection<EmbeddedDatabase<Schema>>> {
  const { drizzle } = await import('drizzle-orm/pglite')
  const open = drizzle as unknown as DrizzleFunction<PGlite, EmbeddedDatabase<Schema>>
  const db = open({ client, ...options })
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
  if (/^(memory|idb|opfs-\w+):\/\//.test(dataDir)) return open()
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
