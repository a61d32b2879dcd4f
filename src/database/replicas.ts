import type { SQL } from 'drizzle-orm'
import { OpaError } from '../errors.ts'
import type { Database } from './database.ts'
import { queryRows, type Row } from './rows.ts'

/** What Drizzle's `withReplicas` adds to a database; 1.0 gives the chosen replica itself. */
interface Replicas {
  readonly $primary?: Database
  readonly $replicas?: readonly Database[]
  readonly $replica?: Database
}

/**
 * {@link queryRows} for a statement that only reads: on a replica, where the database is one with replicas (Drizzle's
 * `withReplicas`, whose `getReplica` chooses), else where it is.
 */
export function readRows(db: Database, statement: SQL): Promise<Row[]> {
  return readingFrom(db, (from) => queryRows(from, statement))
}

/** Reads from a replica if there is one; from the primary if the replica cancels the reading or cannot be reached. */
export async function readingFrom<T>(db: Database, read: (from: Database) => Promise<T>): Promise<T> {
  const replica = chosenReplica(db)
  if (replica === undefined) return read(db)
  try {
    return await read(replica)
  } catch (error) {
    const { $primary } = db as Replicas
    if ($primary === undefined || !isReplicasOwn(error)) throw error
    return read($primary)
  }
}

/** Where a database with replicas is written to; any other is that itself. */
export function primaryOf(db: Database): Database {
  return (db as Replicas).$primary ?? db
}

function chosenReplica(db: Database): Database | undefined {
  const { $replicas = [], $replica } = db as Replicas
  if ($replicas.length === 0) return undefined
  if ($replica !== undefined) return $replica
  // 0.45 keeps the chosen one to itself, but what it builds is the chosen one's.
  const sessionOf = (part: unknown) => (part as { readonly session?: unknown }).session
  const chosen = sessionOf(db.select())
  return $replicas.find((replica) => sessionOf(replica) === chosen)
}

/** A conflict with recovery (40001, 40P01), a shutdown or a start (57P01 to 57P03), or no connection. */
function isReplicasOwn(error: unknown): boolean {
  const { cause } = error instanceof OpaError ? error : { cause: error }
  const { code } = (cause ?? {}) as { readonly code?: unknown }
  return (
    typeof code === 'string' &&
    /^(40001|40P01|57P0[123]|CONNECT|ECONN|ENOTFOUND|E\w*UNREACH|EPIPE|ETIMEDOUT)/.test(code)
  )
}
