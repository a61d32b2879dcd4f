import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { migrationsFolder, readMigrations } from './migrations.ts'
import { queryRows } from './rows.ts'
import { translatingErrors } from './translate-error.ts'

/** What a migration created, by the statement that did it. */
const created =
  /^CREATE (?:OR REPLACE )?(TABLE|TYPE|FUNCTION|VIEW) (?:IF NOT EXISTS )?((?:"?\w+"?\.)?"?\w+"?)/gm

/**
 * Drops what the migrations made: views, tables with their triggers, functions, enums and the ledger. What others made
 * stays, unless it depends on these (then nothing is dropped and the error names it). All or nothing.
 *
 * @returns what was dropped, as `TABLE memory_items` and so on, in the order in which it was.
 */
export async function resetDatabase(
  db: Database,
  { extensions = false }: { readonly extensions?: boolean } = {},
): Promise<string[]> {
  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      const dropped: string[] = []
      const drop = async (what: string, suffix = '') => {
        await transaction.execute(sql.raw(`DROP ${what}${suffix}`))
        dropped.push(what)
      }
      for (const view of await existing(transaction, 'VIEW')) await drop(`VIEW ${view}`)
      // Functions that return rows of a table go before it; those that its columns and triggers call, after it.
      for (const signature of await existing(transaction, 'FREE FUNCTION'))
        await drop(`FUNCTION ${signature}`)
      // Tables in one statement, since they refer to one another.
      const tables = await existing(transaction, 'TABLE')
      if (tables.length > 0) await drop(`TABLE ${tables.join(', ')}`)
      for (const signature of await existing(transaction, 'FUNCTION')) await drop(`FUNCTION ${signature}`)
      for (const type of await existing(transaction, 'TYPE')) await drop(`TYPE ${type}`)
      await drop('TABLE IF EXISTS drizzle.__drizzle_migrations')
      const others = await queryRows(
        transaction,
        sql`SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('drizzle')::oid LIMIT 1`,
      )
      if (others.length === 0) await drop('SCHEMA IF EXISTS drizzle')
      if (extensions) {
        await drop('EXTENSION IF EXISTS vector')
        await drop('EXTENSION IF EXISTS pg_trgm')
      }
      return dropped
    }),
  )
}

type Kind = 'VIEW' | 'TABLE' | 'FREE FUNCTION' | 'FUNCTION' | 'TYPE'

/** Functions, but never one of an extension that happens to have the name. */
const functions = sql`
  SELECT p.oid::regprocedure::text AS object, p.proname AS name FROM pg_proc AS p
  WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
`

/** The objects of a kind that the migrations made and that are there, the last made first, as DROP takes them. */
async function existing(db: Database, kind: Kind): Promise<string[]> {
  const names = madeByMigrations(kind)
  const catalog = {
    VIEW: sql`SELECT oid::regclass::text AS object, relname AS name FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace`,
    TABLE: sql`SELECT oid::regclass::text AS object, relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    'FREE FUNCTION': sql`${functions} AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid)`,
    FUNCTION: functions,
    TYPE: sql`SELECT oid::regtype::text AS object, typname AS name FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace`,
  }
  const rows = await queryRows(db, catalog[kind])
  return rows
    .filter((row) => names.includes(String(row.name)))
    .sort((one, other) => names.indexOf(String(other.name)) - names.indexOf(String(one.name)))
    .map((row) => String(row.object))
}

function madeByMigrations(kind: Kind): string[] {
  return readMigrations().flatMap(({ tag }) =>
    [...readFileSync(`${migrationsFolder}/${tag}.sql`, 'utf8').matchAll(created)]
      .filter((match) => kind.endsWith(match[1] ?? ''))
      .map((match) => (match[2] ?? '').replaceAll('"', '').replace(/^public\./, '')),
  )
}
