import type * as core from 'drizzle-orm/pg-core'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'

type Core = typeof core

/** The base class of databases in Drizzle 0.45; never in 1.0. */
export type Drizzle0 = Core extends { PgDatabase: abstract new (...args: never) => infer Instance }
  ? Instance
  : never

// 1.0 calls it PgAsyncDatabase.
type DrizzleDatabase = Drizzle0 extends never
  ? Core extends { PgAsyncDatabase: abstract new (...args: never) => infer Instance }
    ? Instance
    : never
  : Drizzle0

/**
 * Any Drizzle Postgres database or transaction: postgres.js, node-postgres or PGlite, with or without a schema.
 * Every helper takes one first, so that a service can call it inside its own transaction.
 */
export type Database = Omit<DrizzleDatabase, 'query' | '_query' | '_' | 'transaction'> & {
  transaction<T>(work: (transaction: Transaction) => Promise<T>, config?: PgTransactionConfig): Promise<T>
}

/** What Drizzle gives the callback of `transaction`. */
export type Transaction = Database & { rollback(): never }

/** Whether a database is a transaction of Drizzle's. */
export function isTransaction(db: Database): db is Transaction {
  return 'rollback' in db
}
