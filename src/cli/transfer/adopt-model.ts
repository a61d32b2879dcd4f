import type { Database } from '../../database/database.ts'
import { embeddingModel, type ModelName, useEmbeddingModel } from '../../embedding/embedding-model.ts'
import { ConflictError } from '../../errors.ts'
import { CommandError } from '../exit.ts'
import type { Read } from './read-records.ts'

/**
 * Looks, once, at the first vector of an export that comes by: a database that holds no vectors takes the model that they
 * are of, so that an export of any model can be imported into a fresh one.
 *
 * @throws CommandError if the database holds vectors of another model. Vectors of two models cannot be compared.
 */
export function modelAdopter(db: Database): (records: readonly Read[]) => Promise<void> {
  let isKnown = false
  return async (records) => {
    if (isKnown) return
    const first = records.find((record) => record.kind === 'row' && record.row.dimensions > 0)
    if (first?.kind !== 'row') return
    isKnown = true
    await adoptModel(db, { name: first.row.model ?? null, dimensions: first.row.dimensions })
  }
}

/** Makes a database hold vectors of a model, if it does not already. @throws CommandError if it holds others. */
export async function adoptModel(db: Database, model: ModelName): Promise<void> {
  const current = await embeddingModel(db)
  const isSame =
    current.dimensions === model.dimensions && (model.name === null || model.name === current.name)
  if (isSame) return
  try {
    await useEmbeddingModel(db, model)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    throw new CommandError(
      `the vectors are of ${inWords(model)}, and the database holds some of ${inWords(current)}: leave them out with --no-vectors, then opa-db embed`,
      { cause: error },
    )
  }
}

export function inWords({ name, dimensions }: ModelName): string {
  return name === null ? `${dimensions} dimensions` : `"${name}" (${dimensions} dimensions)`
}
