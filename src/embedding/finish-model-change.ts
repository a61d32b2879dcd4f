import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { apiPrefix } from '../database/schema-name.ts'
import { translatingErrors } from '../database/translate-error.ts'
import { ConflictError } from '../errors.ts'
import { alone, createIndexStatement, refuseSecondBuild, run } from '../vector-index/build.ts'
import {
  countEmbeddings,
  indexName,
  isEmbedded,
  nextIndexName,
  vectorIndexes,
} from '../vector-index/catalog.ts'
import { planVectorIndex, storageParameters } from '../vector-index/plan.ts'
import { type OnIndexProgress, withBuildProgress } from '../vector-index/progress.ts'
import { refuseTransaction } from './begin-model-change.ts'
import type { Embedder } from './embedder.ts'
import { type EmbeddingModel, embeddingModel } from './embedding-model.ts'
import { dropLeftIndexes, type SettleOptions, settleEmbeddings } from './settle-embeddings.ts'
import { checkNextEmbedder, fillNextModel, refusePending, switchModels } from './switch-models.ts'

export interface FinishModelChangeOptions extends Omit<SettleOptions, 'onProgress'> {
  /**
   * True: switches although some memories have no vector of the next model yet. They are found by keyword alone until
   * `embedPending` has been there. False by default.
   */
  readonly acceptPending?: boolean
  /**
   * An embedder of the next model: it fills what is pending, and what is written meanwhile, the last few rows (64 at most)
   * while writers of vectors wait for the switch. Without it memories that are written all the time keep it waiting.
   */
  readonly embedder?: Embedder
  /** Called a few times a second while the new index is being built. */
  readonly onIndexProgress?: OnIndexProgress
  /** Called after each batch of rows whose old vector is gone. */
  readonly onSettled?: (settled: number) => void
}

export interface FinishedModelChange extends EmbeddingModel {
  /** False if the searches had been switched before, and only the tidying up was left. */
  readonly switched: boolean
  /** Rows whose vector was put in its place. */
  readonly settled: number
  /** Rows that somebody else was writing all the while: `settleEmbeddings` takes them up. */
  readonly missed: number
}

const optionKeys = {
  acceptPending: true,
  embedder: true,
  batchSize: true,
  onIndexProgress: true,
  onSettled: true,
  signal: true,
} satisfies OptionKeys<FinishModelChangeOptions>

/**
 * Ends a change of the embedding model: builds the index of the next model beside the old one, switches the searches to
 * it in one short transaction, and removes the old vectors and their index. Every search goes by the one model or by the
 * other, whole; a vector of the old one is refused after the switch. An interrupted call is taken up by the next.
 *
 * @throws ConflictError while memories have no vector of the next model (see `embedder` and `acceptPending`), if there is
 *   no change to finish, while another process builds an index, and if transactions that wrote vectors stay open for a minute.
 * @throws ConfigurationError if the embedder is not of the next model; EmbedderError if it is down.
 * @throws InvalidInputError inside a transaction.
 * @example
 * const { dimensions, settled } = await finishModelChange(db, { embedder, onSettled: (rows) => console.log(rows) })
 */
export async function finishModelChange(
  db: Database,
  given: FinishModelChangeOptions = {},
): Promise<FinishedModelChange> {
  checkOptions(given, optionKeys)
  const { acceptPending = false, embedder, onIndexProgress, onSettled, ...options } = given
  refuseTransaction(db, 'finishModelChange')
  const { next, since } = await embeddingModel(db)
  if (next === null && since === null) {
    throw new ConflictError('no change of the model is under way: beginModelChange begins one')
  }
  if (next !== null) {
    const filling = { acceptPending, ...(options.signal ? { signal: options.signal } : {}) }
    if (embedder !== undefined) {
      await checkNextEmbedder(db, embedder, next)
      await fillNextModel(db, embedder, filling)
    }
    // Before the index is built, which takes long; the switch itself looks again.
    else if (!acceptPending) await refusePending(db, next)
    // A former change that was never tidied up left the index whose name the present one is to take.
    await dropLeftIndexes(db)
    await buildNextIndex(db, next, onIndexProgress)
    await switchModels(db, next, { ...filling, ...(embedder ? { embedder } : {}) })
  }
  const tidied = await settleEmbeddings(db, { ...options, ...(onSettled ? { onProgress: onSettled } : {}) })
  return { ...(await embeddingModel(db)), ...tidied, switched: next !== null }
}

/** As the one in use is: no index where there is none. */
async function buildNextIndex(
  db: Database,
  next: { id: number; dimensions: number },
  onProgress: OnIndexProgress | undefined,
): Promise<void> {
  const concurrently = !(await isEmbedded(db))
  const build = async () => {
    await refuseSecondBuild(db)
    const indexes = await vectorIndexes(db)
    const method = indexes.get(indexName)?.method
    const there = indexes.get(nextIndexName)
    if (method === undefined || there?.valid === true) return
    if (there !== undefined) {
      await run(
        db,
        `DROP INDEX ${concurrently ? 'CONCURRENTLY ' : ''}IF EXISTS ${apiPrefix(db)}${nextIndexName}`,
      )
    }
    const { embeddings } = await countEmbeddings(db)
    const storage = storageParameters(method, planVectorIndex(method, embeddings, {}))
    const statement = await createIndexStatement(db, {
      name: nextIndexName,
      method,
      storage,
      concurrently,
      model: next,
    })
    await withBuildProgress(db, onProgress, () => run(db, statement))
  }
  await translatingErrors(() => (concurrently ? alone(db, build) : build()))
}
