import { type Database, isTransaction } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { apiPrefix } from '../database/schema-name.ts'
import { postgresError, translatingErrors } from '../database/translate-error.ts'
import { embeddingModel } from '../embedding/embedding-model.ts'
import { ConflictError, DatabaseError, InvalidInputError } from '../errors.ts'
import { alone, building, createIndexStatement, refuseSecondBuild, run } from './build.ts'
import {
  countEmbeddings,
  type IndexEntry,
  indexName,
  isEmbedded,
  newIndexName,
  oldIndexName,
  vectorIndexes,
} from './catalog.ts'
import {
  builtParameters,
  checkParameters,
  planVectorIndex,
  servesAs,
  storageParameters,
  type VectorIndexMethod,
  type VectorIndexParameters,
} from './plan.ts'
import { type OnIndexProgress, withBuildProgress } from './progress.ts'

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

const optionKeys = {
  lists: true,
  m: true,
  efConstruction: true,
  concurrently: true,
  rebuild: true,
  onProgress: true,
} satisfies OptionKeys<UseVectorIndexOptions>

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
  checkOptions(options, optionKeys)
  checkParameters(method, options)
  const inTransaction = isTransaction(db)
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
    await withBuildProgress(db, options.onProgress, () =>
      createIndex(db, method, { concurrently: true, storage: storageParameters(method, plan) }),
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
    await createIndex(transaction, method, {
      concurrently: false,
      storage: storageParameters(method, plan),
    })
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

async function createIndex(
  db: Database,
  method: VectorIndexMethod,
  options: { concurrently: boolean; storage: string },
): Promise<void> {
  const model = await embeddingModel(db)
  await run(db, await createIndexStatement(db, { name: newIndexName, method, model, ...options }))
}

async function inUse(db: Database, embeddings: number): Promise<VectorIndex> {
  const built = (await vectorIndexes(db)).get(indexName)
  if (built === undefined) throw new ConflictError('the vector index was dropped as soon as it was built')
  return described(built, embeddings, true)
}

function described(index: IndexEntry, embeddings: number, built: boolean): VectorIndex {
  return { method: index.method, built, embeddings, bytes: index.bytes, ...builtParameters(index) }
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
