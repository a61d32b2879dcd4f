import { type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { ledgerName, readLedger } from './ledger.ts'
import type { Migration } from './migrations.ts'
import { namesMade } from './names-made.ts'
import { queryRows } from './rows.ts'
import { checkedSchema, internalSchema, quoteIdentifier, schemaOf } from './schema-name.ts'
import { translatingErrors } from './translate-error.ts'

export interface ResetOptions {
  /** The schema of the installation; as for `migrate`, that of the connection by default. */
  readonly schema?: string
  /** Drop the extensions vector and pg_trgm as well; false by default. */
  readonly extensions?: boolean
}

/**
 * Drops an installation: its views, tables with their triggers, functions and enums, the internal schema and the ledger.
 * Only what the migrations made: a function of the same name that somebody else made stays, and so does every other
 * project's ledger. If anything depends on what is dropped, nothing is, and the error names it. All or nothing.
 *
 * @returns what was dropped, as `TABLE memory_items` and so on, in the order in which it was; nothing where no ledger is.
 */
export async function resetDatabase(db: Database, options: ResetOptions = {}): Promise<string[]> {
  const { readMigrations } = await import('./migrations.ts')
  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      const [here] = await queryRows(transaction, sql`SELECT current_schema() AS schema`)
      const schema = checkedSchema(options.schema ?? schemaOf(db) ?? here?.schema)
      const dropped: string[] = []
      const drop = async (what: string) => {
        await transaction.execute(sql.raw(`DROP ${what}`))
        dropped.push(what)
      }
      if ((await readLedger(transaction, schema)).length > 0) {
        const migrations = readMigrations()
        for (const kind of kinds) await dropAll(transaction, madeByUs(schema, kind, migrations), kind, drop)
        await drop(`TABLE ${ledgerName(schema)}`)
        await drop(`SCHEMA ${quoteIdentifier(internalSchema(schema))}`)
      }
      if (options.extensions) {
        await drop('EXTENSION IF EXISTS vector')
        await drop('EXTENSION IF EXISTS pg_trgm')
      }
      return dropped
    }),
  )
}

/** Functions that return rows of a table go before it; those that its columns and triggers call, after it. */
const kinds = [
  'VIEW',
  'FREE FUNCTION',
  'TABLE',
  'FUNCTION',
  'TYPE',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
] as const
type Kind = (typeof kinds)[number]

async function dropAll(
  db: Database,
  objects: SQL,
  kind: Kind,
  drop: (what: string) => Promise<void>,
): Promise<void> {
  const rows = await queryRows(db, objects)
  const names = rows.map(({ object }) => String(object))
  // Tables in one statement, since they refer to one another.
  if (kind === 'TABLE' && names.length > 0) return drop(`TABLE ${names.join(', ')}`)
  for (const name of names) await drop(`${kind.replace('FREE ', '')} ${name}`)
}

/**
 * Everything in the internal schema is ours. In the other one, functions are told by their search_path, which begins with
 * the internal schema and which nobody else's has; tables, views and enums by name, of which no second one can be there.
 */
function madeByUs(schema: string, kind: Kind, migrations: readonly Migration[]): SQL {
  const internal = internalSchema(schema)
  const named = (oid: string, name: string, namespace: string, names: readonly string[]) =>
    sql`(${sql.raw(namespace)} = to_regnamespace(${quoteIdentifier(internal)}::text)::oid
      OR ${sql.raw(namespace)} = to_regnamespace(${quoteIdentifier(schema)}::text)::oid AND ${sql.raw(name)} IN (${sql.join(
        names.map((each) => sql`${each}::text`),
        sql`, `,
      )})) ORDER BY ${sql.raw(oid)} DESC`
  if (kind === 'VIEW')
    return sql`SELECT oid::regclass::text AS object FROM pg_class WHERE relkind = 'v' AND ${named('oid', 'relname', 'relnamespace', namesMade(migrations, 'VIEW'))}`
  if (kind === 'TABLE')
    return sql`SELECT oid::regclass::text AS object FROM pg_class
      WHERE relkind = 'r' AND oid IS DISTINCT FROM to_regclass(${ledgerName(schema)}::text)::oid AND ${named('oid', 'relname', 'relnamespace', namesMade(migrations, 'TABLE'))}`
  if (kind === 'TYPE')
    return sql`SELECT oid::regtype::text AS object FROM pg_type WHERE typtype = 'e' AND ${named('oid', 'typname', 'typnamespace', namesMade(migrations, 'TYPE'))}`
  if (kind === 'TEXT SEARCH CONFIGURATION')
    return sql`SELECT oid::regconfig::text AS object FROM pg_ts_config WHERE cfgnamespace = to_regnamespace(${quoteIdentifier(internal)}::text)::oid`
  if (kind === 'TEXT SEARCH DICTIONARY')
    return sql`SELECT oid::regdictionary::text AS object FROM pg_ts_dict WHERE dictnamespace = to_regnamespace(${quoteIdentifier(internal)}::text)::oid`
  const free =
    kind === 'FUNCTION'
      ? sql`true`
      : sql`NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid)`
  return sql`
    SELECT p.oid::regprocedure::text AS object FROM pg_proc AS p
    WHERE ${free} AND (p.pronamespace = to_regnamespace(${quoteIdentifier(internal)}::text)::oid
      OR p.pronamespace = to_regnamespace(${quoteIdentifier(schema)}::text)::oid AND (
        EXISTS (SELECT FROM unnest(p.proconfig) AS setting
                WHERE starts_with(setting, 'search_path=' || quote_ident(${internal}::text) || ', '))
        OR p.proname IN ('parse_embedding', 'canonical_text', 'content_hash') AND p.prosqlbody IS NOT NULL))
    ORDER BY p.oid DESC`
}
