import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows } from '../database/rows.ts'
import { api, apiPrefix } from '../database/schema-name.ts'
import { ConflictError } from '../errors.ts'
import { buildingProcess } from './catalog.ts'
import type { VectorIndexMethod } from './plan.ts'

/** Any number will do, if it is always the same. */
const switchLock = 7_067_984_233_002

/** The statement that makes a vector index of a model: the searches order by the same expression. */
export async function createIndexStatement(
  db: Database,
  {
    name,
    method,
    storage,
    concurrently,
    model,
  }: {
    readonly name: string
    readonly method: VectorIndexMethod
    readonly storage: string
    readonly concurrently: boolean
    readonly model: { readonly id: number; readonly dimensions: number }
  },
): Promise<string> {
  const [row] = await queryRows(
    db,
    sql`SELECT ${api(db)}embedding_index_definition(${model.id}::integer, ${model.dimensions}::integer) AS definition`,
  )
  return `CREATE INDEX ${concurrently ? 'CONCURRENTLY ' : ''}${name} ON ${apiPrefix(db)}memory_items USING ${method} ${String(row?.definition)}${storage}`
}

/** Runs a statement that takes no parameters. */
export async function run(db: Database, statement: string): Promise<void> {
  await queryRows(db, sql.raw(statement))
}

export const building = 'another process is building an index of memory_items'

/** @throws ConflictError while another process builds an index of memory_items. */
export async function refuseSecondBuild(db: Database): Promise<void> {
  const pid = await buildingProcess(db)
  if (pid === null) return
  throw new ConflictError(
    `${building} (process ${pid} of the server): wait until it is done, or end it by SELECT pg_terminate_backend(${pid})`,
  )
}

/**
 * Runs the work while a transaction on a second connection holds an advisory lock: a second CREATE INDEX CONCURRENTLY
 * that waits for the first would end in a deadlock, of which the first is the victim. That transaction has no snapshot,
 * so the build does not wait for it. With a single connection the work can only look before it begins.
 */
export async function alone<T>(db: Database, work: () => Promise<T>): Promise<T> {
  const done = await db.transaction(
    async (holder) => {
      const [row] = await queryRows(
        holder,
        sql`SELECT pg_try_advisory_xact_lock(${switchLock}::bigint) AS taken`,
      )
      if (row?.taken !== true) throw new ConflictError(`${building}: wait until it is done`)
      // After the query, whose snapshot would else be kept with its portal, and the build would wait for it forever.
      await run(holder, 'SET LOCAL idle_in_transaction_session_timeout = 0')
      return (await hasSecondConnection(db)) ? { result: await work() } : undefined
    },
    { isolationLevel: 'read committed' },
  )
  return done === undefined ? work() : done.result
}

async function hasSecondConnection(db: Database): Promise<boolean> {
  const answered = queryRows(db, sql`SELECT 1`).then(
    () => true,
    () => false,
  )
  const stopped = new AbortController()
  const waited = sleep(2000, false, { signal: stopped.signal }).catch(() => false)
  try {
    return await Promise.race([answered, waited])
  } finally {
    stopped.abort()
  }
}
