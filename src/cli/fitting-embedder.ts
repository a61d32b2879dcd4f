import type { Database } from '../database/database.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { embeddingModel, useEmbeddingModel } from '../embedding/embedding-model.ts'
import { ConflictError } from '../errors.ts'
import type { Context } from './context.ts'
import { embedderOf } from './embedder-settings.ts'
import { CommandError } from './exit.ts'
import { inWords } from './transfer/adopt-model.ts'

/**
 * The configured embedder, or undefined where there is none. A database that holds no vectors takes its model, so that
 * configuring an embedder is all that there is to do.
 *
 * @throws CommandError if the database holds vectors of another model.
 */
export async function fittingEmbedder(
  db: Database,
  { environment }: Pick<Context, 'environment'>,
): Promise<Embedder | undefined> {
  const embedder = embedderOf(environment)
  if (embedder === undefined) return undefined
  const current = await embeddingModel(db)
  const { model: name, dimensions } = embedder
  const isOf = (model: { name: string | null; dimensions: number } | null) =>
    model !== null && model.dimensions === dimensions && (model.name === null || model.name === name)
  if (isOf(current) || isOf(current.next)) return embedder
  try {
    await useEmbeddingModel(db, { name, dimensions })
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    throw new CommandError(
      `the database holds vectors of ${inWords(current)}, and the configured embedder makes those of ${inWords({ name, dimensions })}. To change the model: opa-db model begin`,
      { cause: error },
    )
  }
  return embedder
}
