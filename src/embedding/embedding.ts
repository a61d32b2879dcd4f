import { type SQL, sql } from 'drizzle-orm'
import { InvalidInputError } from '../errors.ts'
import { mostDimensions } from '../schema/embedding-models.ts'

/**
 * An embedding: as many finite numbers as the database's model has dimensions (384 at first), not all zero. Its length
 * does not matter, only its direction.
 */
export type Embedding = readonly number[] | Float32Array | Float64Array

/** An embedding as pgvector's text form. @throws InvalidInputError that says what was expected and what came. */
export function embeddingText(embedding: Embedding, name: string): string {
  if (!Array.isArray(embedding) && !ArrayBuffer.isView(embedding)) {
    throw new InvalidInputError(`${name} must be an array of numbers, got ${typeof embedding}`)
  }
  // How many there must be, the database knows: it refuses others by the name of its model.
  if (embedding.length < 1 || embedding.length > mostDimensions) {
    throw new InvalidInputError(
      `${name} must have from 1 to ${mostDimensions} dimensions, got ${embedding.length}`,
    )
  }
  let zero = true
  for (let at = 0; at < embedding.length; at++) {
    // Kept in single precision by pgvector: what is not finite there would be refused without saying where.
    const value = typeof embedding[at] === 'number' ? Math.fround(embedding[at]) : Number.NaN
    if (!Number.isFinite(value)) {
      throw new InvalidInputError(
        `${name} must have finite numbers, got ${String(embedding[at])} at position ${at}`,
      )
    }
    if (value !== 0) zero = false
  }
  if (zero) throw new InvalidInputError(`${name} must have a direction, got a zero vector`)
  return `[${embedding.join(',')}]`
}

/** As `embeddingText`, for a row: its length must let pgvector square it in single precision (see the table's check). */
export function storableEmbeddingText(embedding: Embedding, name: string): string {
  const text = embeddingText(embedding, name)
  const length = Math.hypot(...embedding)
  if (length < 1e-15 || length > 1e15) {
    throw new InvalidInputError(`${name} must have a length from 1e-15 to 1e15, got ${length}`)
  }
  return text
}

/** An embedding, or its absence, as a parameter of a function, which knows the type in whatever schema pgvector is. */
export function embeddingSql(embedding: Embedding | null | undefined, name: string): SQL {
  return embedding === null || embedding === undefined ? sql`NULL` : sql`${embeddingText(embedding, name)}`
}
