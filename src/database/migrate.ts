import { sql } from 'drizzle-orm'
import { MigrationError, OpaError, UnsupportedDatabaseError } from '../errors.ts'
import { adoptOlderDatabase } from './adopt.ts'
import type { Database } from './database.ts'
import { createLedger, readLedger, recordMigrations, refuseForeignLedger } from './ledger.ts'
import type { Migration } from './migrations.ts'
import { namesMade } from './names-made.ts'
import { queryRows } from './rows.ts'
import { checkedSchema, defaultSchema, quoteIdentifier, schemaOf } from './schema-name.ts'
import { postgresError, translateError } from './translate-error.ts'

/** The advisory lock under which migrations run; any number will do, if it is always the same. */
const migrationLock = 7_067_984_233_001

export interface MigrateOptions {
  /**
   * The schema to install into, made if it is not there. By default that of `connect` or `useSchema`, else the first of
   * the connection's search_path, which is `public` where nobody has changed it.
   */
  readonly schema?: string
}

export interface MigrateResult {
  /** The migrations applied by this call, in order; empty when the database was up to date. */
  readonly applied: string[]
  /**
   * True where this server would take stored texts apart otherwise than they are (after an upgrade in place): searches miss
   * some words until `reindexSearch` has run.
   */
  readonly needsReindex: boolean
}

/**
 * Brings the database to the version of this package: runs the migrations that the installation's ledger does not have
 * (`migrations` in the internal schema, shared with `drizzle-kit migrate`), all in one transaction, under an advisory
 * lock, so that any number of processes may call it at once. No other project's ledger or table is touched. A database of
 * version 0.1.0 is adopted.
 *
 * @throws InvalidInputError for what is no name of a schema.
 * @throws UnsupportedDatabaseError for a server older than 15, a pgvector older than 0.8, an encoding other than UTF-8,
 *   or a ledger that is newer than this package.
 * @throws MigrationError if a migration fails (nothing of it stays), if one that was applied has been edited since, or if
 *   tables of these names are there that this package did not make.
 * @example
 * const { db, close } = await connect({ kind: 'embedded', dataDir: '.opa' })
 * const { applied, needsReindex } = await migrate(db)
 * if (needsReindex) await reindexSearch(db)
 */
export async function migrate(db: Database, options: MigrateOptions = {}): Promise<MigrateResult> {
  const { readMigrations } = await import('./migrations.ts')
  const migrations = readMigrations()
  const named = options.schema === undefined ? schemaOf(db) : checkedSchema(options.schema)
  try {
    await refuseUnsupportedServer(db)
    return await db.transaction(
      async (transaction) => {
        await transaction.execute(sql`SELECT pg_advisory_xact_lock(${migrationLock}::bigint)`)
        const [before] = await queryRows(
          transaction,
          sql`SELECT current_setting('search_path') AS path, current_schema() AS schema`,
        )
        const schema = checkedSchema(named ?? before?.schema)
        const ledger = await readLedger(transaction, schema)
        refuseForeignLedger(ledger, migrations)
        await refuseOldVector(transaction)
        const pending = migrations.slice(ledger.length)
        if (pending.length === 0) {
          return { applied: [], needsReindex: await needsReindex(transaction, schema) }
        }
        await transaction.execute(sql.raw(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`))
        const apply = () => applyMigrations(transaction, schema, pending)
        const adopted =
          ledger.length === 0 && schema === defaultSchema && (await adoptOlderDatabase(transaction, apply))
        if (!adopted) {
          if (ledger.length === 0) await refuseForeignTables(transaction, schema, migrations)
          await apply()
        }
        // The migrations leave their own path; a transaction of the caller's goes on with the one that it had.
        await transaction.execute(
          sql`SELECT set_config('search_path', ${String(before?.path)}::text, true), set_config('opa.schema', '', true)`,
        )
        await refuseOldVector(transaction)
        return {
          applied: pending.map((migration) => migration.tag),
          needsReindex: await needsReindex(transaction, schema),
        }
      },
      { isolationLevel: 'read committed' },
    )
  } catch (error) {
    if (error instanceof OpaError) throw error
    const refused = postgresError(error)
    if (refused === undefined) throw translateError(error) ?? error
    const hint = refused.hint ? ` ${refused.hint}` : ''
    throw new MigrationError(`the database could not be migrated: ${refused.message}.${hint}`, {
      cause: error,
    })
  }
}

/**
 * Runs the migrations and writes the ledger as Drizzle's own migrator would. That one cannot be used here: it opens a
 * transaction of its own, outside of which the advisory lock would be another connection's.
 */
async function applyMigrations(db: Database, schema: string, pending: readonly Migration[]): Promise<void> {
  await createLedger(db, schema)
  await db.execute(
    sql`SELECT set_config('search_path', ${quoteIdentifier(schema)}::text, true), set_config('opa.schema', ${schema}::text, true)`,
  )
  for (const migration of pending) {
    for (const statement of migration.sql) await db.execute(sql.raw(statement))
  }
  await recordMigrations(db, schema, pending)
}

async function needsReindex(db: Database, schema: string): Promise<boolean> {
  const [row] = await queryRows(
    db,
    sql`SELECT is_current FROM ${sql.raw(quoteIdentifier(schema))}.search_dictionary_status()`,
  )
  return row?.is_current === false
}

/** CREATE TABLE would say that one exists, and not whose it is or what to do. */
async function refuseForeignTables(
  db: Database,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const names = [...namesMade(migrations, 'TABLE'), ...namesMade(migrations, 'VIEW')]
  const rows = await queryRows(
    db,
    sql`SELECT relname AS name FROM pg_class
        WHERE relnamespace = ${quoteIdentifier(schema)}::text::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
          AND relname = ANY (${sql.param(names)}::text[]) ORDER BY relname`,
  )
  if (rows.length === 0) return
  const found = rows.map(({ name }) => String(name)).join(', ')
  throw new MigrationError(
    `schema ${schema} has tables of these names that opa-db did not make: ${found}. Install it into a schema of its own: migrate(db, { schema: 'opa' })`,
  )
}

async function refuseUnsupportedServer(db: Database): Promise<void> {
  const rows = await queryRows(
    db,
    sql`SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, current_setting('server_encoding') AS encoding`,
  )
  const server = rows[0] as unknown as { number: number; version: string; encoding: string }
  if (server.number < 150_000) {
    throw new UnsupportedDatabaseError(
      `opa-db needs PostgreSQL 15 or newer, and this server is ${server.version}: upgrade the server`,
    )
  }
  if (server.encoding !== 'UTF8') {
    throw new UnsupportedDatabaseError(
      `opa-db needs a database with the encoding UTF8, and this one has ${server.encoding}: create one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    )
  }
}

async function refuseOldVector(db: Database): Promise<void> {
  const rows = await queryRows(
    db,
    sql`SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'`,
  )
  const version = rows[0]?.version
  if (version === undefined) return
  const [major = 0, minor = 0] = String(version).split('.').map(Number)
  if (major > 0 || minor >= 8) return
  throw new UnsupportedDatabaseError(
    `opa-db needs pgvector 0.8 or newer, and this database has ${String(version)}: install a newer pgvector on the server, then run in this database: ALTER EXTENSION vector UPDATE;`,
  )
}
