import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bm25Score, bm25Search } from '../../src/index.ts'
import {
  apply,
  changes,
  limit,
  memoryText,
  query,
  queryTags,
  searchFilter,
  writtenText,
} from '../support/arbitraries.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import {
  bm25Of,
  bm25Oracle,
  documentOf,
  expectRanking,
  meaningOf,
  queryText,
  readCorpus,
} from '../support/bm25-oracle.ts'

const search = fc.record({ asked: query, tags: queryTags, filter: searchFilter, k: limit })

describeOnEachBackend('bm25_search and bm25_score against the oracle', (test) => {
  it('finds the same rows with the same scores in the same order, whatever was written before', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.array(search, { minLength: 1, maxLength: 5 }),
        async (history, searches) => {
          await apply(test.db, history)
          const corpus = await readCorpus(test.db)
          for (const { asked, tags, filter, k } of searches) {
            const options = { queryText: queryText(asked), queryTags: tags, filter }
            const all = await bm25Search(test.db, { ...options, k: 1000 })
            expectRanking(all, bm25Oracle(corpus, await meaningOf(test.db, asked), tags, filter))
            // The same data gives the same bytes, so fewer results are the first of all.
            expect(await bm25Search(test.db, { ...options, k })).toEqual(all.slice(0, k))
          }
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
    )
  })

  it('scores any text for any query, k1 and b', async () => {
    const scoring = fc.record({
      asked: query.map((asked) => ({ ...asked, phrases: [], exclusions: [] })),
      text: memoryText,
      k1: fc.oneof(
        fc.constantFrom(0, 1.2, 1000),
        fc.integer({ min: 0, max: 100_000 }).map((n) => n / 100),
      ),
      b: fc.oneof(
        fc.constantFrom(0, 0.75, 1),
        fc.integer({ min: 0, max: 1000 }).map((n) => n / 1000),
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.array(scoring, { minLength: 1, maxLength: 5 }),
        async (history, scorings) => {
          await apply(test.db, history)
          const corpus = await readCorpus(test.db)
          for (const { asked, text, k1, b } of scorings) {
            const { words } = await meaningOf(test.db, asked)
            const expected = bm25Of(corpus, words, await documentOf(test.db, writtenText(text)), { k1, b })
            const actual = await bm25Score(test.db, {
              queryText: queryText(asked),
              docText: writtenText(text),
              k1,
              b,
            })
            const place = `${queryText(asked)} in ${text}, k1 ${k1}, b ${b}`
            expect(Math.abs(actual - expected), `${actual}, expected ${expected}: ${place}`).toBeLessThan(
              1e-9,
            )
          }
        },
      ),
      { numRuns: 20, interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false },
    )
  })
})
