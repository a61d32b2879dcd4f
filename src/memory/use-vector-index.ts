import { setTimeout as sleep } from 'node:timers/promises'
import { is, sql } from 'drizzle-orm'
import { PgTransaction } from 'drizzle-orm/pg-core'
import type { Database } from '../database/database.ts'
import { postgresError, queryRows, translatingErrors } from '../database/rows.ts'
import { apiPrefix } from '../database/schema-name.ts'
import { ConflictError, DatabaseError, InvalidInputError } from '../errors.ts'
import { embeddingDimensions } from '../schema/memory-items.ts'
import {
  buildingProcess,
  countEmbeddings,
  type IndexEntry,
  indexName,
  isEmbedded,
  newIndexName,
  oldIndexName,
  vectorIndexes,
  vectorSchema,
} from './vector-index-catalog.ts'
import {
  builtParameters,
  checkParameters,
  planVectorIndex,
  servesAs,
  storageParameters,
  type VectorIndexMethod,
  type VectorIndexParameters,
} from './vector-index-plan.ts'
import { type OnIndexProgress, withBuildProgress } from './vector-index-progress.ts'

export interface UseVectorIndexOptions extends VectorIndexParameters {
  /**
   * True by default on a server: reading and writing go on while the index is built. False builds in one transaction,
   * which makes writers wait; only so can it be done inside a transaction of the caller's.
   */
  readonly concurrently?: boolean
  /** Builds even if such an index is there: an IVFFlat index whose data has changed since learns its lists anew. */
  readonly rebuild?: boolean
  /** Called a few times a second while the index is being built. */
  readonly onProgress?: OnIndexProgress
}

export interface VectorIndex {
  readonly method: VectorIndexMethod
  /** False if such an index was there already, and nothing was done. */
  readonly built: boolean
  readonly embeddings: number
  readonly bytes: number
  readonly lists?: number
  readonly m?: number
  readonly efConstruction?: number
}

/** Any number will do, if it is always the same. */
const switchLock = 7_067_984_233_002

/**
 * Chooses the index of `memory_items.embedding`. HNSW (what the migrations make) answers fastest and needs no data to
 * begin with. IVFFlat is built many times faster and is half the size, but learns its lists from the embeddings that
 * are there: build it after loading, and again when the table has grown much. `none` makes every search exact.
 *
 * The new index is built beside the old one, which serves until the new one takes its name. Does nothing if such an
 * index is there. An interrupted call leaves the old index in use, and the next call removes or takes up the rest.
 * HNSW is built many times faster when it fits into maintenance_work_mem, about 1.5 KB an embedding: set it on the
 * connection, such as `postgres(url, { connection: { maintenance_work_mem: '2GB' } })`.
 *
 * @param method `hnsw`, `ivfflat` or `none`.
 * @param options lists, m and efConstruction are chosen by the number of embeddings where they are not given.
 * @returns the index that is now in use.
 * @throws InvalidInputError for an option that cannot be, IVFFlat with too few embeddings, and inside a transaction
 *   unless concurrently is false.
 * @throws ConflictError while another process builds an index of memory_items.
 * @throws DatabaseError if the build fails or is interrupted.
 * @example
 * const { lists } = await useVectorIndex(db, 'ivfflat', { onProgress: ({ phase, done }) => console.log(phase, done) })
 *
 * Source: https://github.com/pgvector/pgvector#indexing
 */
export async function useVectorIndex(
  db: Database,
  method: VectorIndexMethod,
  options: UseVectorIndexOptions = {},
): Promise<VectorIndex> {
  checkParameters(method, options)
  const inTransaction = is(db, PgTransaction)
  const concurrently = options.concurrently ?? !(await isEmbedded(db))
  if (concurrently && inTransaction) {
    throw new InvalidInputError(
      'useVectorIndex builds concurrently, which PostgreSQL cannot do inside a transaction: expected the database itself, or concurrently: false, got a transaction',
    )
  }
  try {
    return await translatingErrors(() =>
      concurrently
        ? alone(db, () => switchConcurrently(db, method, options))
        : db.transaction((transaction) => switchAtOnce(transaction, method, options)),
    )
  } catch (error) {
    throw explained(error)
  }
}

async function switchConcurrently(
  db: Database,
  method: VectorIndexMethod,
  options: UseVectorIndexOptions,
): Promise<VectorIndex> {
  await refuseSecondBuild(db)
  const { embeddings, plan, wanted } = await planFor(db, method, options)
  const indexes = await vectorIndexes(db)
  await run(db, `DROP INDEX CONCURRENTLY IF EXISTS ${apiPrefix(db)}${oldIndexName}`)

  if (method === 'none') {
    for (const name of [newIndexName, indexName]) {
      if (indexes.has(name)) await run(db, `DROP INDEX CONCURRENTLY IF EXISTS ${apiPrefix(db)}${name}`)
    }
    return { method, built: indexes.has(indexName), embeddings, bytes: 0 }
  }
  // One that was finished but did not come into use any more is as good as a new one.
  const finished = wanted(indexes.get(newIndexName))
  if (indexes.has(newIndexName) && !finished) {
    await run(db, `DROP INDEX CONCURRENTLY IF EXISTS ${apiPrefix(db)}${newIndexName}`)
  }
  const current = indexes.get(indexName)
  if (current !== undefined && wanted(current)) {
    if (finished) await run(db, `DROP INDEX CONCURRENTLY IF EXISTS ${apiPrefix(db)}${newIndexName}`)
    return described(current, embeddings, false)
  }
  if (!finished) {
    await withBuildProgress(db, options.onProgress, async () =>
      run(db, await createIndex(db, 'CONCURRENTLY ', newIndexName, method, storageParameters(method, plan))),
    )
  }
  // Renaming, unlike dropping, waits for nobody who reads or writes the table.
  await db.transaction(async (transaction) => {
    if (current !== undefined) {
      await run(transaction, `ALTER INDEX ${apiPrefix(transaction)}${indexName} RENAME TO ${oldIndexName}`)
    }
    await run(transaction, `ALTER INDEX ${apiPrefix(transaction)}${newIndexName} RENAME TO ${indexName}`)
  })
  await run(db, `DROP INDEX CONCURRENTLY IF EXISTS ${apiPrefix(db)}${oldIndexName}`)
  return inUse(db, embeddings)
}

async function switchAtOnce(
  transaction: Database,
  method: VectorIndexMethod,
  options: UseVectorIndexOptions,
): Promise<VectorIndex> {
  await refuseSecondBuild(transaction)
  // Before anything is counted: what is planned by it must still hold when the index is built.
  await run(transaction, `LOCK TABLE ${apiPrefix(transaction)}memory_items IN SHARE MODE`)
  const { embeddings, plan, wanted } = await planFor(transaction, method, options)
  const indexes = await vectorIndexes(transaction)
  const current = indexes.get(indexName)
  for (const name of [newIndexName, oldIndexName]) {
    if (indexes.has(name)) await run(transaction, `DROP INDEX ${apiPrefix(transaction)}${name}`)
  }
  if (method !== 'none' && current !== undefined && wanted(current)) {
    return described(current, embeddings, false)
  }
  if (method !== 'none') {
    options.onProgress?.({ phase: 'building index', done: 0 })
    await run(
      transaction,
      await createIndex(transaction, '', newIndexName, method, storageParameters(method, plan)),
    )
    options.onProgress?.({ phase: 'building index', done: 1 })
  }
  if (current !== undefined) await run(transaction, `DROP INDEX ${apiPrefix(transaction)}${indexName}`)
  if (method === 'none') return { method, built: current !== undefined, embeddings, bytes: 0 }
  await run(transaction, `ALTER INDEX ${apiPrefix(transaction)}${newIndexName} RENAME TO ${indexName}`)
  return inUse(transaction, embeddings)
}

/** The parameters, and whether an index that is there will do. */
async function planFor(db: Database, method: VectorIndexMethod, options: UseVectorIndexOptions) {
  const { embeddings } = await countEmbeddings(db)
  const plan = planVectorIndex(method, embeddings, options)
  const wanted = (there: IndexEntry | undefined) =>
    there?.valid === true && options.rebuild !== true && servesAs(there, method, plan, options)
  return { embeddings, plan, wanted }
}

/** As in src/schema/memory-items.ts: another expression would not serve the searches. */
async function createIndex(
  db: Database,
  how: string,
  name: string,
  method: VectorIndexMethod,
  storage: string,
): Promise<string> {
  const vector = await vectorSchema(db)
  return `CREATE INDEX ${how}${name} ON ${apiPrefix(db)}memory_items USING ${method} ((${vector}.l2_normalize(embedding)::${vector}.halfvec(${embeddingDimensions})) ${vector}.halfvec_cosine_ops)${storage}`
}

async function inUse(db: Database, embeddings: number): Promise<VectorIndex> {
  const built = (await vectorIndexes(db)).get(indexName)
  if (built === undefined) throw new ConflictError('the vector index was dropped as soon as it was built')
  return described(built, embeddings, true)
}

function described(index: IndexEntry, embeddings: number, built: boolean): VectorIndex {
  return { method: index.method, built, embeddings, bytes: index.bytes, ...builtParameters(index) }
}

async function run(db: Database, statement: string): Promise<void> {
  await queryRows(db, sql.raw(statement))
}

const building = 'another process is building an index of memory_items'

async function refuseSecondBuild(db: Database): Promise<void> {
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
async function alone<T>(db: Database, work: () => Promise<T>): Promise<T> {
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

function explained(error: unknown): unknown {
  const code = postgresError(error)?.code
  // A duplicate name or a deadlock: somebody was at it at the same moment.
  if (code === '42P07' || code === '40P01') return new ConflictError(building, { cause: error })
  if (code === '25001') {
    return new InvalidInputError(
      'useVectorIndex builds concurrently, which PostgreSQL cannot do inside a transaction: expected no open transaction, or concurrently: false',
      { cause: error },
    )
  }
  // Not allowed, or no such table: nothing was begun.
  if (error instanceof DatabaseError && !code?.startsWith('42')) {
    return new DatabaseError(
      `the vector index was not switched (${error.message}): the one before is still in use. Call useVectorIndex again, which also removes what was left`,
      { cause: error },
    )
  }
  return error
}
