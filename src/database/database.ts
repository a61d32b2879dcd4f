import type * as core from 'drizzle-orm/pg-core'

type Core = typeof core

// Drizzle 0.45 calls it PgDatabase, and 1.0 PgAsyncDatabase: whichever this one has.
type DrizzleDatabase = Core extends { PgDatabase: abstract new (...args: never) => infer Instance }
  ? Instance
  : Core extends { PgAsyncDatabase: abstract new (...args: never) => infer Instance }
    ? Instance
    : never

/**
 * Any Drizzle Postgres database or transaction: postgres.js, node-postgres or PGlite, with or without a schema.
 * Every helper takes one first, so that a service can call it inside its own transaction.
 */
export type Database = Omit<DrizzleDatabase, 'query' | '_query' | '_' | 'transaction'> & {
  transaction<T>(
    work: (transaction: Database) => Promise<T>,
    config?: { readonly isolationLevel?: 'read committed' | 'repeatable read' | 'serializable' },
  ): Promise<T>
}
