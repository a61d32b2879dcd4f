import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hybridSearch, rememberMany, vectorSearch } from '../../src/index.ts'
import {
  apply,
  changes,
  limit,
  query,
  queryTags,
  searchFilter,
  someEmbedding,
} from '../support/arbitraries.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRanking, meaningOf, queryText, readCorpus } from '../support/bm25-oracle.ts'
import { clearMemories, embedding } from '../support/fixtures.ts'
import { type HybridOptions, hybridOracle, vectorOracle } from '../support/hybrid-oracle.ts'

/** pgvector computes a cosine in single precision. */
const tolerance = 1e-6
const weights = fc.constantFrom([0.5, 0.5], [1, 0], [0, 1], [0.3, 0.7], [2, 5], [1e-3, 1e6]) as fc.Arbitrary<
  [number, number]
>
const fusion = fc.constantFrom('convex' as const, 'rrf' as const)
const search = fc.record({
  asked: query,
  queryEmbedding: fc.option(someEmbedding, { nil: null, freq: 4 }),
  tags: queryTags,
  filter: searchFilter,
  k: limit,
  weights,
  fusion,
})

describeOnEachBackend('vector_search and hybrid_search against the oracle', (test) => {
  it('finds the nearest rows by cosine', async () => {
    const near = fc.record({ queryEmbedding: someEmbedding, tags: queryTags, filter: searchFilter, k: limit })
    await fc.assert(
      fc.asyncProperty(changes, fc.array(near, { minLength: 1, maxLength: 5 }), async (history, searches) => {
        await apply(test.db, history)
        const corpus = await readCorpus(test.db)
        for (const { queryEmbedding, tags, filter, k } of searches) {
          const options = { queryEmbedding, queryTags: tags, filter }
          const all = await vectorSearch(test.db, { ...options, k: 1000 })
          const scored = all.map((row) => ({ id: row.id, score: row.similarity }))
          expectRanking(scored, vectorOracle(corpus, queryEmbedding, tags, filter), tolerance)
          expect(await vectorSearch(test.db, { ...options, k })).toEqual(all.slice(0, k))
        }
      }),
      { numRuns: 20, interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false },
    )
  })

  it('fuses both legs by the documented formulas', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.array(search, { minLength: 1, maxLength: 5 }),
        async (history, searches) => {
          await apply(test.db, history)
          const corpus = await readCorpus(test.db)
          for (const one of searches) {
            const meaning = await meaningOf(test.db, one.asked)
            if (queryText(one.asked) === '' && one.queryEmbedding === null) continue
            const [bm25Weight, vectorWeight] = one.weights
            const fused: HybridOptions = { ...one, bm25Weight, vectorWeight }
            await expectFused(fused, one.asked, one.queryEmbedding, corpus, meaning)
          }
        },
      ),
      { numRuns: 35, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
    )
  })

  it('takes the best max(100, 4k) of each leg, and scores their union on both', async () => {
    await clearMemories(test.db)
    const items = Array.from({ length: 300 }, (_, at) => ({
      id: `m${String(at).padStart(3, '0')}`,
      // The first rows are the best by keyword, the last the nearest.
      text: `coffee ${'filler '.repeat(at)}`,
      embedding: embedding(1).map((value, dimension) => value + (300 - at) * 0.01 * Math.cos(dimension)),
    }))
    await rememberMany(test.db, { items })
    const corpus = await readCorpus(test.db)
    const asked = { words: ['coffee'], phrases: [], exclusions: [] }
    const meaning = await meaningOf(test.db, asked)
    for (const k of [1, 10, 30, 200]) {
      for (const fusion of ['convex', 'rrf'] as const) {
        const options = { k, fusion, bm25Weight: 0.6, vectorWeight: 0.4, filter: { fuzzy: false } }
        await expectFused(options, asked, embedding(1), corpus, meaning)
      }
    }
  })

  async function expectFused(
    { tags = [], filter = {}, k, bm25Weight, vectorWeight, fusion }: HybridOptions,
    asked: Parameters<typeof queryText>[0],
    queryEmbedding: number[] | null,
    corpus: Awaited<ReturnType<typeof readCorpus>>,
    meaning: Awaited<ReturnType<typeof meaningOf>>,
  ): Promise<void> {
    const options = { tags, filter, k, bm25Weight, vectorWeight, fusion }
    const results = await hybridSearch(test.db, {
      queryText: queryText(asked),
      queryEmbedding,
      queryTags: tags,
      filter,
      k,
      bm25Weight,
      vectorWeight,
      fusion,
    })
    const expected = hybridOracle(corpus, meaning, queryEmbedding, options)
    expect(results).toHaveLength(Math.min(k, expected.length))
    const byId = new Map(expected.map((row) => [row.id, row]))
    // A cosine that differs in its seventh digit moves a score by as much, more where all similarities are near -1.
    const scoreTolerance = fusion === 'rrf' ? 1e-9 * Math.max(1, bm25Weight, vectorWeight) : 1e-5
    for (const [at, { id, text, tags: _, createdAt, ...row }] of results.entries()) {
      const own = byId.get(id)
      expect(own, `${id} ("${text.slice(0, 40)}") is no candidate`).toBeDefined()
      if (own === undefined) return
      expect(createdAt).toBeInstanceOf(Date)
      expect(row).toMatchObject({ bm25Rank: own.bm25Rank, vectorRank: own.vectorRank })
      expect(row.bm25Score).toBeCloseTo(own.bm25Score, 9)
      if (own.vectorScore === null) expect(row.vectorScore).toBeNull()
      else expect(Math.abs((row.vectorScore ?? Number.NaN) - own.vectorScore)).toBeLessThan(tolerance)
      expect(Math.abs(row.combinedScore - own.combinedScore)).toBeLessThan(scoreTolerance)
      expect(Math.abs(own.combinedScore - (expected[at]?.combinedScore ?? Number.NaN))).toBeLessThan(
        scoreTolerance,
      )
    }
    const scored = results.map((row) => ({ id: row.id, score: row.combinedScore }))
    const placed = [...scored].sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
    expect(scored.map((row) => row.score)).toEqual(placed.map((row) => row.score))
  }
})
