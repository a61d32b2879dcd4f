import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  type Database,
  disableNamespaceIsolation,
  enableNamespaceIsolation,
  grantNamespaces,
  type HybridFilter,
  hybridSearch,
  revokeNamespaces,
  vectorSearch,
} from '../../src/index.ts'
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
import { meaningOf, queryText, readCorpus } from '../support/bm25-oracle.ts'
import { idsOf } from '../support/fixtures.ts'
import { hybridOracle } from '../support/hybrid-oracle.ts'
import { pagesOf } from '../support/pages.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'

const factors = fc.record(
  {
    recency: fc.constantFrom(0.001, 1, 300, 1e5),
    importance: fc.constantFrom(0, 0.5, 1, true, false),
    candidates: fc.integer({ min: 1000, max: 10_000 }),
  },
  { requiredKeys: [] },
)

/** With a diversity and k = 1000, no more than 5,000 candidates are accepted. */
function diverseFactors<T extends { readonly candidates?: number }>(given: T, diversity: number) {
  const { candidates } = given
  return { ...given, diversity, ...(candidates !== undefined && { candidates: Math.min(candidates, 5000) }) }
}
const search = fc.record({
  asked: query,
  queryEmbedding: fc.option(someEmbedding, { nil: null, freq: 4 }),
  tags: queryTags,
  filter: searchFilter,
  factors,
  diversity: fc.option(fc.constantFrom(0, 0.25, 0.5, 0.9, 1), { nil: undefined }),
  k: limit,
  page: fc.integer({ min: 1, max: 9 }),
  weights: fc.constantFrom([0.5, 0.5], [1, 0], [0, 1], [2, 5]) as fc.Arbitrary<[number, number]>,
  fusion: fc.constantFrom('convex' as const, 'rrf' as const),
})
type Search = typeof search extends fc.Arbitrary<infer One> ? One : never

describeOnEachBackend('memory semantics on random data', (test) => {
  const tenant = roleName('tenant')
  const as = actingAs(test)

  beforeAll(() => createRoles(test.db, { [tenant]: 'SELECT' }))
  afterAll(() => dropRoles(test.db, [tenant]))

  /** The corpus that the changes make, with importances. */
  async function write(history: Parameters<typeof apply>[1]) {
    await apply(test.db, history)
    await test.db.execute(sql`UPDATE memory_items SET importance = abs(hashtext(id) % 5) / 4.0`)
    return readCorpus(test.db)
  }

  function hybrid(db: Database, one: Search, filter: HybridFilter, k: number) {
    const [bm25Weight, vectorWeight] = one.weights
    return hybridSearch(db, {
      queryText: queryText(one.asked),
      queryEmbedding: one.queryEmbedding,
      queryTags: one.tags,
      k,
      bm25Weight,
      vectorWeight,
      fusion: one.fusion,
      filter: { ...one.filter, ...filter },
    })
  }

  it('gives k rows whenever k match, pages that join to the long list, and diversity of the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        changes,
        fc.array(search, { minLength: 1, maxLength: 4 }),
        async (history, searches) => {
          const corpus = await write(history)
          for (const one of searches) {
            const meaning = await meaningOf(test.db, one.asked)
            if (queryText(one.asked) === '' && one.queryEmbedding === null) continue
            const [bm25Weight, vectorWeight] = one.weights
            const matching = hybridOracle(corpus, meaning, one.queryEmbedding, {
              ...one,
              bm25Weight,
              vectorWeight,
            }).map((row) => row.id)

            const long = await hybrid(test.db, one, one.factors, 1000)
            expect(idsOf(long).sort()).toEqual(matching.sort())
            expect(await hybrid(test.db, one, one.factors, one.k)).toHaveLength(
              Math.min(one.k, matching.length),
            )
            const joined = await pagesOf(
              (after) => hybrid(test.db, one, { ...one.factors, ...after }, one.page),
              one.page,
              (row) => row.combinedScore,
            )
            expect(idsOf(joined)).toEqual(idsOf(long))

            if (one.diversity !== undefined) {
              const options = diverseFactors(one.factors, one.diversity)
              const diverse = idsOf(await hybrid(test.db, one, options, 1000))
              expect([...diverse].sort()).toEqual(matching.sort())
              expect(diverse[0]).toBe(long[0]?.id)
              if (one.diversity === 1) expect(diverse).toEqual(idsOf(long))
              expect(idsOf(await hybrid(test.db, one, options, one.page))).toEqual(diverse.slice(0, one.page))
            }
            await expectPages(one)
          }
        },
      ),
      { numRuns: 25, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    )
  })

  async function expectPages(one: Search): Promise<void> {
    const asked = { queryText: queryText(one.asked), queryTags: one.tags }
    const keyword = (filter: object, k: number) =>
      bm25Search(test.db, { ...asked, k, filter: { ...one.filter, ...filter } })
    expect(
      await pagesOf(
        (after) => keyword(after, one.page),
        one.page,
        (row) => row.score,
      ),
    ).toEqual(await keyword({}, 1000))
    const { queryEmbedding } = one
    if (queryEmbedding === null) return
    const nearest = (filter: object, k: number) =>
      vectorSearch(test.db, { queryEmbedding, queryTags: one.tags, k, filter: { ...one.filter, ...filter } })
    expect(
      await pagesOf(
        (after) => nearest(after, one.page),
        one.page,
        (row) => row.similarity,
      ),
    ).toEqual(await nearest({}, 1000))
  }

  it('shows an isolated role its own rows, all of them, and no other', async () => {
    const granted = fc.subarray(['default', 'ana', 'böb'])
    await fc.assert(
      fc.asyncProperty(
        changes,
        granted,
        fc.array(search, { minLength: 1, maxLength: 3 }),
        async (history, namespaces, searches) => {
          await disableNamespaceIsolation(test.db)
          const corpus = await write(history)
          await revokeNamespaces(test.db, { role: tenant })
          await grantNamespaces(test.db, { role: tenant, namespaces })
          const own = corpus.filter((row) => namespaces.includes(row.namespace))
          await enableNamespaceIsolation(test.db)
          const seen = await as(tenant, (db) => queryRows(db, sql`SELECT id FROM memory_items`))
          expect(seen.map((row) => row.id).sort()).toEqual(idsOf(own).sort())
          for (const one of searches) {
            const meaning = await meaningOf(test.db, one.asked)
            if (queryText(one.asked) === '' && one.queryEmbedding === null) continue
            const [bm25Weight, vectorWeight] = one.weights
            const oracle = { ...one, bm25Weight, vectorWeight }
            const matching = hybridOracle(own, meaning, one.queryEmbedding, oracle).map((row) => row.id)
            const options: HybridFilter =
              one.diversity === undefined ? one.factors : diverseFactors(one.factors, one.diversity)
            // The same search of the owner's, narrowed to what the role has, gives the same bytes.
            const narrowed = {
              ...options,
              ids: idsOf(own).filter((id) => one.filter.ids?.includes(id) ?? true),
            }
            const [isolated, owners] = await Promise.all([
              as(tenant, (db) => hybrid(db, one, options, 1000)),
              hybrid(test.db, one, { ...narrowed, fuzzy: false }, 1000),
            ])
            expect(idsOf(isolated).sort()).toEqual(matching.sort())
            if (one.factors.recency === undefined) expect(isolated).toEqual(owners)
            expect(await as(tenant, (db) => hybrid(db, one, options, one.k))).toHaveLength(
              Math.min(one.k, matching.length),
            )
          }
        },
      ),
      { numRuns: 20, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    )
    await disableNamespaceIsolation(test.db)
  })
})
