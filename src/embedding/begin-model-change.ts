import { sql } from 'drizzle-orm'
import { type Database, isTransaction } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { queryRows } from '../database/rows.ts'
import { api, apiPrefix } from '../database/schema-name.ts'
import { ConflictError, InvalidInputError } from '../errors.ts'
import { run } from '../vector-index/build.ts'
import { isEmbedded } from '../vector-index/catalog.ts'
import {
  dimensionsSql,
  type EmbeddingModel,
  embeddingModel,
  type ModelName,
  modelKeys,
  nameSql,
} from './embedding-model.ts'

/** The index by which rows without a vector of a change's next model are found. */
export const pendingIndexName = (modelId: number) => `memory_items_embedding_pending_${modelId}_idx`

/**
 * Begins the change to another embedding model, with nobody waiting and nothing missing meanwhile:
 *
 * 1. `beginModelChange`: from now on each memory can hold a vector of the next model beside its present one.
 * 2. `embedPending(db, newEmbedder)` fills them, as often and in as many processes as you like; writers may go on with
 *    either model.
 * 3. `finishModelChange` builds the new index, switches the searches and removes the old vectors.
 *
 * Searches go by the present model, complete, until 3. Called again for the same model it goes on where it was.
 *
 * @throws ConflictError if a change to another model is under way.
 * @throws InvalidInputError for the current model, and inside a transaction.
 * @example
 * await beginModelChange(db, { name: 'text-embedding-3-small', dimensions: 1536 })
 * const embedder = openaiEmbedder({ apiKey, model: 'text-embedding-3-small' })
 * await embedPending(db, embedder)
 * await finishModelChange(db, { embedder })
 */
export async function beginModelChange(
  db: Database,
  model: ModelName & { readonly name: string },
): Promise<EmbeddingModel> {
  checkOptions(model, modelKeys, 'model')
  refuseTransaction(db, 'beginModelChange')
  await queryRows(
    db,
    sql`SELECT ${api(db)}begin_model_change(${nameSql(model.name)}, ${dimensionsSql(model)})`,
  )
  const begun = await embeddingModel(db)
  if (begun.next === null)
    throw new ConflictError('the change was ended by somebody else as soon as it was begun')
  await makePendingIndex(db, begun.next.id)
  return begun
}

/** Indexes are built and dropped so that nobody waits for it, which PostgreSQL does in no transaction. */
export function refuseTransaction(db: Database, caller: string): void {
  if (!isTransaction(db)) return
  throw new InvalidInputError(
    `${caller} works in several transactions: expected the database itself, got a transaction`,
  )
}

async function makePendingIndex(db: Database, modelId: number): Promise<void> {
  const name = pendingIndexName(modelId)
  const how = (await isEmbedded(db)) ? '' : 'CONCURRENTLY '
  const [there] = await queryRows(
    db,
    sql`SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass(${apiPrefix(db) + name}::text)`,
  )
  if (there?.valid === true) return
  await run(db, `DROP INDEX ${how}IF EXISTS ${apiPrefix(db)}${name}`)
  await run(
    db,
    `CREATE INDEX ${how}${name} ON ${apiPrefix(db)}memory_items (id) WHERE embedding_model IS DISTINCT FROM ${modelId} AND next_embedding_model IS DISTINCT FROM ${modelId}`,
  )
}
