import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { InvalidInputError } from '../errors.ts'
import type { Database } from './database.ts'
import { dialectOf } from './prepared.ts'

/** The suffix of the schema beside an installation's own, for what is no part of the API. */
const internalSuffix = '_opa'

/** The table of applied migrations, in the internal schema; drizzle-kit writes the same one. */
export const ledgerTable = 'migrations'

/** The schema of an installation for which none is named. */
export const defaultSchema = 'public'

/** Where what is no part of the API lies: internal functions, the statistics of keyword search, the ledger. */
export function internalSchema(schema: string): string {
  return `${schema}${internalSuffix}`
}

const names = new WeakMap<object, string>()

/**
 * Says in which schema the helpers find this package's functions and tables, whatever the connection's search_path is.
 * `connect(location, { schema })` does it; call it for a Drizzle database of your own. Without it names are looked up by
 * the connection's search_path.
 *
 * @throws InvalidInputError for what is no name of a schema.
 * @example
 * const db = drizzle(new Pool({ connectionString }))
 * useSchema(db, 'opa')
 */
export function useSchema(db: Database, schema: string): void {
  names.set(dialectOf(db), checkedSchema(schema))
}

/** The schema that `useSchema` named; undefined where the search_path decides. */
export function schemaOf(db: Database): string | undefined {
  return names.get(dialectOf(db))
}

/** A schema's name must leave room for the suffix within PostgreSQL's 63 bytes. */
export function checkedSchema(schema: unknown): string {
  const longest = 63 - internalSuffix.length
  const isName = typeof schema === 'string' && schema.length > 0 && !schema.includes('\0')
  if (!isName || Buffer.byteLength(schema) > longest || /^pg_/i.test(schema)) {
    throw new InvalidInputError(
      `schema must be a name of 1 to ${longest} bytes that does not begin with pg_, got ${JSON.stringify(schema)}`,
    )
  }
  return schema
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** What stands before a name of the API in SQL: the quoted schema and a dot, or nothing. */
export function apiPrefix(db: Database): string {
  const schema = schemaOf(db)
  return schema === undefined ? '' : `${quoteIdentifier(schema)}.`
}

/** {@link apiPrefix} as a part of a statement: sql`SELECT ${api(db)}memory_id(…)`. */
export function api(db: Database): SQL {
  return sql.raw(apiPrefix(db))
}

/** A Drizzle table where the helpers look for it; its columns may be named by those of the table that was given. */
export function inSchemaOf<T extends PgTable>(db: Database, table: T): T {
  const schema = schemaOf(db)
  if (schema === undefined) return table
  const copy = Object.assign(Object.create(Object.getPrototypeOf(table)), table)
  copy[Symbol.for('drizzle:Schema')] = schema
  return copy
}
