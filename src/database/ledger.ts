import { sql } from 'drizzle-orm'
import { MigrationError, UnsupportedDatabaseError } from '../errors.ts'
import type { Database } from './database.ts'
import type { Migration } from './migrations.ts'
import { queryRows } from './rows.ts'
import { internalSchema, ledgerTable, quoteIdentifier } from './schema-name.ts'

/**
 * The ledger: which migrations a database has, in the internal schema of the installation, so that no other project's
 * migrations are compared with ours, and two installations in one database do not see each other. It has the shape of
 * drizzle-kit's, which reads and writes the same one (`migrations` in drizzle.config.ts).
 */
export interface LedgerEntry {
  readonly hash: string
  readonly createdAt: number
}

/** The quoted, qualified name of an installation's ledger. */
export function ledgerName(schema: string): string {
  return `${quoteIdentifier(internalSchema(schema))}.${quoteIdentifier(ledgerTable)}`
}

/** The entries of an installation, oldest first; none where there is no ledger. */
export async function readLedger(db: Database, schema: string): Promise<LedgerEntry[]> {
  const [found] = await queryRows(
    db,
    sql`SELECT to_regclass(${ledgerName(schema)}::text) IS NOT NULL AS there`,
  )
  if (found?.there !== true) return []
  const rows = await queryRows(
    db,
    sql`SELECT hash, created_at FROM ${sql.raw(ledgerName(schema))} ORDER BY created_at, id`,
  )
  return rows.map((row) => ({ hash: String(row.hash), createdAt: Number(row.created_at) }))
}

/** Makes the ledger as drizzle-kit would. */
export async function createLedger(db: Database, schema: string): Promise<void> {
  await db.execute(sql.raw(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(internalSchema(schema))}`))
  await db.execute(
    sql.raw(
      `CREATE TABLE IF NOT EXISTS ${ledgerName(schema)} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
    ),
  )
}

export async function recordMigrations(
  db: Database,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  for (const { hash, folderMillis } of migrations) {
    await db.execute(
      sql`INSERT INTO ${sql.raw(ledgerName(schema))} (hash, created_at) VALUES (${hash}, ${folderMillis})`,
    )
  }
}

/** Drizzle compares only the newest entry's time: it would pass over a newer database and an edited migration in silence. */
export function refuseForeignLedger(ledger: readonly LedgerEntry[], migrations: readonly Migration[]): void {
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
