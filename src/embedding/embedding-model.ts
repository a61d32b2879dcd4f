import { sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, toDate, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { mostDimensions } from '../schema/embedding-models.ts'

/** An embedding model: what an `Embedder` says of itself. */
export interface ModelName {
  /** As the embedder's `model`; null where nobody has named it yet. */
  readonly name: string | null
  /** The length of its vectors, 1 to 4000. */
  readonly dimensions: number
}

/** The keys of `ModelName`. */
export const modelKeys = { name: true, dimensions: true } satisfies OptionKeys<ModelName>

export interface EmbeddingModel extends ModelName {
  /** What `embeddingModel` of a memory says of its `embedding`. */
  readonly id: number
  /** When it came into use; null for the model that a database begins with. */
  readonly since: Date | null
  /** While a change is under way, the model that is being filled. */
  readonly next: (ModelName & { readonly id: number; readonly name: string; readonly since: Date }) | null
}

/**
 * The model whose vectors the database holds and searches, and the next one while a change is under way.
 *
 * @example
 * const { name, dimensions } = await embeddingModel(db) // null and 384 in a fresh database
 */
export async function embeddingModel(db: Database): Promise<EmbeddingModel> {
  const [row] = await queryRows(db, sql`SELECT * FROM ${api(db)}embedding_model()`)
  return {
    id: toNumber(row?.id),
    name: row?.name == null ? null : String(row.name),
    dimensions: toNumber(row?.dimensions),
    since: row?.since == null ? null : toDate(row.since),
    next:
      row?.next_name == null
        ? null
        : {
            id: toNumber(row.next_id),
            name: String(row.next_name),
            dimensions: toNumber(row.next_dimensions),
            since: toDate(row.next_since),
          },
  }
}

/**
 * Says which embedding model the vectors are of. While no vector is stored, any model is taken at once (its vector index
 * is made anew, which needs the rights of the table's owner); a model without a name takes the name. Call it once after
 * `migrate`; again with the same model it does nothing.
 *
 * @throws InvalidInputError for a name or dimensions that cannot be.
 * @throws ConflictError if vectors of another model are stored: `beginModelChange` is the way to a new one.
 * @example
 * await useEmbeddingModel(db, { name: 'text-embedding-3-small', dimensions: 1536 })
 */
export async function useEmbeddingModel(db: Database, model: ModelName): Promise<void> {
  checkOptions(model, modelKeys, 'model')
  await queryRows(
    db,
    sql`SELECT ${api(db)}use_embedding_model(${nameSql(model.name)}, ${dimensionsSql(model)})`,
  )
}

/** A model's name as a parameter; the database checks its length. */
export function nameSql(name: string | null) {
  if (name !== null) checkText(name, 'name')
  return sql`${name}::text`
}

/** A model's dimensions as a parameter. @throws InvalidInputError for what is not 1 to 4000. */
export function dimensionsSql({ dimensions }: Pick<ModelName, 'dimensions'>) {
  // Without a default: a model's dimensions must be given.
  const checked = checkedInteger(dimensions ?? Number.NaN, 'dimensions', {
    from: 1,
    to: mostDimensions,
    otherwise: 0,
  })
  return sql`${checked}::integer`
}
