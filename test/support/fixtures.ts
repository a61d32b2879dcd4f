import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import type { OpaError } from '../../src/index.ts'
import { dimensions, ownDimensions } from './dimensions.ts'

/** A vector of the database's model; different seeds give well separated directions. */
export function embedding(seed: number): number[] {
  return Array.from({ length: dimensions }, (_, at) =>
    at < ownDimensions ? Math.fround(Math.sin(seed * 12.9898 + (at + 1) * seed * 0.7)) : 0,
  )
}

/** Cosine in double precision, of the single-precision values that a vector column keeps. */
export function cosine(one: readonly number[], other: readonly number[]): number {
  let product = 0
  let squaresOfOne = 0
  let squaresOfOther = 0
  for (let at = 0; at < one.length; at++) {
    const x = Math.fround(one[at] as number)
    const y = Math.fround(other[at] as number)
    product += x * y
    squaresOfOne += x * x
    squaresOfOther += y * y
  }
  return product / Math.sqrt(squaresOfOne * squaresOfOther)
}

/** A vector as SQL reads it. */
export function vectorText(values: readonly number[]): string {
  return `[${values.join(',')}]`
}

export async function clearMemories(db: Database): Promise<void> {
  await db.execute(sql`DELETE FROM memory_items`)
}

/** Sorts as `COLLATE "C"` does: by UTF-8 bytes, which is not JavaScript's order beyond the basic plane. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8'))
}

type ErrorClass = new (message: string, options?: ErrorOptions) => OpaError

/** Expects a refusal by one of the package's errors, whose message has all of the parts. */
export async function expectRefusal(
  attempt: Promise<unknown> | (() => unknown),
  kind: ErrorClass,
  ...parts: (string | RegExp)[]
): Promise<OpaError> {
  let refusal: unknown
  try {
    await (typeof attempt === 'function' ? attempt() : attempt)
  } catch (error) {
    refusal = error
  }
  expect(refusal, 'expected a refusal, got a result').toBeDefined()
  expect(refusal, `expected a ${kind.name}, got ${String(refusal)}`).toBeInstanceOf(kind)
  const error = refusal as OpaError
  expect(error.name).toBe(kind.name)
  expect(error.code).toMatch(/^[a-z_]+$/)
  for (const part of parts) {
    if (typeof part === 'string') expect(error.message).toContain(part)
    else expect(error.message).toMatch(part)
  }
  return error
}

/** The ids of rows, in their order. */
export const idsOf = (rows: readonly { readonly id: string }[]): string[] => rows.map((row) => row.id)
