import fc from 'fast-check'
import { toSql } from 'pgvector'
import { expect, it } from 'vitest'
import { embeddingText } from '../../src/embedding/embedding.ts'

it("an embedding is written as pgvector's own package writes it", () => {
  const number = fc.double({ min: -1e15, max: 1e15, noNaN: true })
  fc.assert(
    fc.property(fc.array(number, { minLength: 384, maxLength: 384 }), (values) => {
      fc.pre(values.some((value) => Math.fround(value) !== 0))
      expect(embeddingText(values, 'embedding')).toBe(toSql(values))
      expect(embeddingText(Float64Array.from(values), 'embedding')).toBe(toSql(values))
    }),
  )
})
