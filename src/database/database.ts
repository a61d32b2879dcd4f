import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

/**
 * Any Drizzle Postgres database or transaction: postgres.js, node-postgres or PGlite, with or without a schema.
 * Every helper takes one first, so that a service can call it inside its own transaction.
 */
// biome-ignore lint/suspicious/noExplicitAny: the schema type parameters play no part here, and only `any` fits all
export type Database = PgDatabase<PgQueryResultHKT, any, any>
