import { sql } from 'drizzle-orm'
import { MigrationError, OpaError, UnsupportedDatabaseError } from '../errors.ts'
import type { Database } from './database.ts'
import { type Migration, readMigrations } from './migrations.ts'
import { rowsOf } from './rows.ts'
import { postgresError, translateError } from './translate-error.ts'

/** The advisory lock under which migrations run; any number will do, if it is always the same. */
const migrationLock = 7_067_984_233_001

export interface MigrateResult {
  /** The migrations applied by this call, in order; empty when the database was up to date. */
  readonly applied: string[]
}

/**
 * Brings the database to the version of this package: runs the migrations that its ledger (`drizzle.__drizzle_migrations`,
 * shared with `drizzle-kit migrate`) does not have, all in one transaction, under an advisory lock, so that any number
 * of processes may call it at once.
 *
 * @throws UnsupportedDatabaseError for a server older than 15, a pgvector older than 0.8, an encoding other than UTF-8,
 *   or a ledger that is newer than this package.
 * @throws MigrationError if a migration fails (nothing of it stays), or if one that was applied has been edited since.
 * @example
 * const { db, close } = await connect({ kind: 'embedded', dataDir: '.opa' })
 * const { applied } = await migrate(db)
 */
export async function migrate(db: Database): Promise<MigrateResult> {
  const migrations = readMigrations()
  try {
    await refuseUnsupportedServer(db)
    return await db.transaction(
      async (transaction) => {
        await transaction.execute(sql`SELECT pg_advisory_xact_lock(${migrationLock}::bigint)`)
        const ledger = await readLedger(transaction)
        refuseForeignLedger(ledger, migrations)
        await refuseOldVector(transaction)
        const pending = migrations.slice(ledger.length)
        await applyMigrations(transaction, pending)
        await refuseOldVector(transaction)
        return { applied: pending.map((migration) => migration.tag) }
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
async function applyMigrations(db: Database, pending: readonly Migration[]): Promise<void> {
  if (pending.length === 0) return
  await db.execute(sql`CREATE SCHEMA IF NOT EXISTS drizzle`)
  await db.execute(
    sql`CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
  )
  for (const migration of pending) {
    for (const statement of migration.sql) await db.execute(sql.raw(statement))
    await db.execute(
      sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES (${migration.hash}, ${migration.folderMillis})`,
    )
  }
}

async function refuseUnsupportedServer(db: Database): Promise<void> {
  const rows = rowsOf(
    await db.execute(
      sql`SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, current_setting('server_encoding') AS encoding`,
    ),
  )
  const server = rows[0] as { number: number; version: string; encoding: string }
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
  const rows = rowsOf(
    await db.execute(sql`SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'`),
  )
  const version = rows[0]?.version
  if (version === undefined) return
  const [major = 0, minor = 0] = String(version).split('.').map(Number)
  if (major > 0 || minor >= 8) return
  throw new UnsupportedDatabaseError(
    `opa-db needs pgvector 0.8 or newer, and this database has ${String(version)}: install a newer pgvector on the server, then run in this database: ALTER EXTENSION vector UPDATE;`,
  )
}

interface LedgerEntry {
  readonly hash: string
  readonly createdAt: number
}

async function readLedger(db: Database): Promise<LedgerEntry[]> {
  const there = rowsOf(
    await db.execute(sql`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS there`),
  )
  if (there[0]?.there !== true) return []
  const rows = rowsOf(
    await db.execute(sql`SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY created_at, id`),
  )
  return rows.map((row) => ({ hash: String(row.hash), createdAt: Number(row.created_at) }))
}

/** Drizzle compares only the newest entry's time: it would pass over a newer database and an edited migration in silence. */
function refuseForeignLedger(ledger: LedgerEntry[], migrations: Migration[]): void {
  const newest = migrations.at(-1)?.folderMillis ?? 0
  const unknown = ledger.filter((entry) => entry.createdAt > newest)
  if (unknown.length > 0) {
    throw new UnsupportedDatabaseError(
      `this database has ${unknown.length} migration(s) that this version of opa-db does not know (the newest from ${new Date(unknown.at(-1)?.createdAt ?? 0).toISOString()}): upgrade opa-db before you use it here`,
    )
  }
  ledger.forEach((entry, at) => {
    const migration = migrations[at]
    if (migration?.folderMillis === entry.createdAt && migration.hash === entry.hash) return
    throw new MigrationError(
      `migration ${migration?.tag ?? at} is not the one that was applied to this database: an applied migration must never be edited. Restore the file, or start anew (npm run db:reset)`,
    )
  })
}
