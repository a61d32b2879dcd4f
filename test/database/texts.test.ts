import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queryRow, toTexts } from '../../src/database/rows.ts'
import { DatabaseError } from '../../src/index.ts'
import { textArraySql } from '../../src/search/search-filter.ts'
import { describeOnEachBackend } from '../support/backends.ts'

describeOnEachBackend('an array of texts as PostgreSQL writes it', (test) => {
  it('is read as what was written', async () => {
    const characters = fc.constantFrom(...'ab,"\\{} \n\tü日', 'NULL', 'null', '😀')
    const texts = fc.array(fc.string({ unit: characters, maxLength: 8 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(texts, async (written) => {
        const row = await queryRow(test.db, sql`SELECT (${textArraySql(written, 'texts')})::text AS texts`)
        expect(toTexts(row.texts)).toEqual(written)
      }),
      { numRuns: 100 },
    )
  })
})

it('what is no array is refused', () => {
  expect(() => toTexts('a,b')).toThrow(DatabaseError)
  expect(() => toTexts(null)).toThrow('expected an array of texts, got null')
})
