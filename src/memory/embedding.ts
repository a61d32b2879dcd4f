import { type SQL, sql } from 'drizzle-orm'
import { toSql } from 'pgvector'
import { InvalidInputError } from '../errors.ts'
import { embeddingDimensions } from '../schema/memory-items.ts'

/** An embedding: 384 finite numbers, not all zero. Its length does not matter, only its direction. */
export type Embedding = readonly number[] | Float32Array | Float64Array

/** An embedding as pgvector's text form. @throws InvalidInputError that says what was expected and what came. */
export function embeddingText(embedding: Embedding, name: string): string {
  if (!Array.isArray(embedding) && !ArrayBuffer.isView(embedding)) {
    throw new InvalidInputError(
      `${name} must be an array of ${embeddingDimensions} numbers, got ${typeof embedding}`,
    )
  }
  if (embedding.length !== embeddingDimensions) {
    throw new InvalidInputError(
      `${name} must have ${embeddingDimensions} dimensions, got ${embedding.length}`,
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
  return toSql(Array.from(embedding))
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
