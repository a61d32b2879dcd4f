import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import {
  bm25Search,
  forget,
  type HybridSearchOptions,
  hybridSearch,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, idsOf } from '../support/fixtures.ts'
import { pagesOf } from '../support/pages.ts'

describeOnEachBackend('paging through results', (test) => {
  const asked = { queryText: 'coffee tea', queryEmbedding: embedding(1) }
  const distinct = <T>(values: readonly T[]) => new Set(values).size

  beforeAll(async () => {
    await rememberMany(test.db, {
      items: Array.from({ length: 500 }, (_, at) => ({
        id: `${'abcdeÄ😀'[at % 6]}${at}`,
        // Many rows are alike, so that pages end in the middle of ties.
        text: at % 3 === 0 ? 'coffee' : `coffee ${'tea '.repeat(at % 7)}`,
        tags: at % 2 === 0 ? ['even'] : [],
        importance: (at % 5) / 4,
        createdAt: new Date(Date.now() - (at % 20) * 86_400_000),
        ...(at % 4 !== 1 && { embedding: embedding(1 + (at % 30)) }),
        ...(at % 25 === 3 && { expiresAt: new Date('2001-01-01') }),
      })),
    })
  })

  it('joins to the long list (bm25_search, vector_search)', async () => {
    for (const k of [1, 7, 60, 480, 1000]) {
      if (k === 1 && test.backend === 'embedded') continue
      for (const queryTags of [[], ['even']]) {
        const keyword = await pagesOf(
          (after) => bm25Search(test.db, { ...asked, queryTags, k, filter: after }),
          k,
          (row) => row.score,
        )
        expect(keyword).toEqual(await bm25Search(test.db, { ...asked, queryTags, k: 1000 }))
        const nearest = await pagesOf(
          (after) => vectorSearch(test.db, { ...asked, queryTags, k, filter: after }),
          k,
          (row) => row.similarity,
        )
        expect(nearest).toEqual(await vectorSearch(test.db, { ...asked, queryTags, k: 1000 }))
        expect(keyword.length).toBeGreaterThan(200)
        expect(nearest.length).toBeGreaterThan(150)
      }
    }
  })

  const hybrid = (options: Partial<HybridSearchOptions>, k: number) =>
    pagesOf(
      ({ after }) =>
        hybridSearch(test.db, {
          ...asked,
          ...options,
          k,
          filter: { ...options.filter, ...(after && { after }) },
        }),
      k,
      (row) => row.combinedScore,
    )

  it.each([{}, { fusion: 'rrf' as const }, { queryEmbedding: null }, { queryText: '' }, { bm25Weight: 0 }])(
    'joins to the ranking of the candidates (hybrid_search %o)',
    async (options) => {
      // All k to 25 have the same candidates.
      const [small, middle] = [await hybrid(options, 7), await hybrid(options, 25)]
      expect(small).toEqual(middle)
      expect(small.slice(0, 25)).toEqual(await hybridSearch(test.db, { ...asked, ...options, k: 25 }))
      expect(distinct(idsOf(small))).toBe(small.length)
      expect(small.length).toBeGreaterThanOrEqual(100)
      // With enough candidates those are all rows, however short the pages are.
      const filter = { candidates: 1000 }
      const long = await hybridSearch(test.db, { ...asked, ...options, k: 1000, filter })
      expect(await hybrid({ ...options, filter }, 60)).toEqual(long)
      expect(long.length).toBeGreaterThan(300)
    },
  )

  it.each([{ recency: 3 }, { importance: true }, { recency: 1, importance: 0.5 }])(
    'joins to the ranking of all rows where %o counts, while the time goes on',
    async (filter) => {
      for (const fusion of ['convex', 'rrf'] as const) {
        const options = { fusion, filter: fusion === 'rrf' ? { ...filter, candidates: 1000 } : filter }
        const long = idsOf(await hybridSearch(test.db, { ...asked, ...options, k: 1000 }))
        expect(long).toHaveLength(480)
        const joined = idsOf(await hybrid(options, 60))
        expect(joined).toEqual(long)
      }
    },
  )

  it('goes on where it was when rows before the cursor come or go, and when its own row is gone', async () => {
    const filter = { ids: idsOf(await bm25Search(test.db, { ...asked, k: 30 })) }
    const all = await vectorSearch(test.db, { ...asked, filter, k: 30 })
    const last = all[9]
    if (last === undefined) throw new Error('expected ten rows')
    const after = { score: last.similarity, id: last.id }
    const rest = all.slice(10)
    expect(await vectorSearch(test.db, { ...asked, k: 30, filter: { ...filter, after } })).toEqual(rest)
    await forget(test.db, { ids: [last.id, all[3]?.id ?? ''] })
    expect(await vectorSearch(test.db, { ...asked, k: 30, filter: { ...filter, after } })).toEqual(rest)
    const [one, two] = await hybridSearch(test.db, { ...asked, k: 2 })
    if (one === undefined || two === undefined) throw new Error('expected two rows')
    await test.db.execute(sql`UPDATE memory_items SET expires_at = now() WHERE id = ${one.id}`)
    const cursor = { score: one.combinedScore, id: one.id }
    const [next] = await hybridSearch(test.db, { ...asked, k: 1, filter: { after: cursor } })
    expect(next?.id).toBe(two.id)
  })

  it('takes any place in the list for a cursor', async () => {
    const search = (score: number, id: string) =>
      bm25Search(test.db, { queryText: 'coffee', k: 5, filter: { after: { score, id } } })
    const start = await bm25Search(test.db, { queryText: 'coffee', k: 5 })
    expect(await search(1e300, '')).toEqual(start)
    expect(await search(-1, 'x')).toEqual([])
    expect(await search(0, '\u{10ffff}')).toEqual([])
    expect(await search(start[0]?.score ?? 0, "'; DROP TABLE memory_items; --")).toEqual(
      (await bm25Search(test.db, { queryText: 'coffee', k: 1000 })).filter((row) => row.id > "'").slice(0, 5),
    )
  })
})
