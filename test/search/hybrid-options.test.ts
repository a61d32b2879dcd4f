import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  bm25Search,
  explainSearch,
  type HybridFilter,
  type HybridResult,
  hybridSearch,
  InvalidInputError,
  recall,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { compareBytes, cosine, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

const day = 86_400_000

describeOnEachBackend('the options of hybrid_search', (test) => {
  const rows = 600
  const created = new Map<string, number>()
  const importances = new Map<string, number>()
  const vectors = new Map<string, number[]>()

  beforeAll(async () => {
    const start = Date.now()
    const items = Array.from({ length: rows }, (_, at) => {
      const id = `m${String(at).padStart(3, '0')}`
      created.set(id, start - ((at * 7919) % rows) * day)
      importances.set(id, ((at * 37) % 11) / 10)
      const vector = embedding(1 + (at % 40)).map((value, axis) => value + Math.sin(at + axis) * 0.3)
      vectors.set(id, vector)
      return {
        id,
        // The first are the best by keyword; whether they are near has nothing to do with it.
        text: `coffee ${'filler '.repeat(at % 90)}${at}`,
        importance: importances.get(id) ?? 0,
        createdAt: new Date(created.get(id) ?? 0),
        ...(at % 10 !== 3 && { embedding: vector }),
        ...(at % 50 === 7 && { expiresAt: new Date('2001-01-01') }),
      }
    })
    await rememberMany(test.db, { items })
  })

  const asked = { queryText: 'coffee', queryEmbedding: embedding(1) }
  const search = (filter: HybridFilter, k = 10, more = {}) =>
    hybridSearch(test.db, { ...asked, k, filter, ...more })
  const everything = { candidates: 10_000 }
  const factorOf = (id: string, { recency, importance }: { recency?: number; importance?: number }) => {
    const age = Math.max(0, Date.now() - (created.get(id) ?? 0)) / day
    return (
      (recency === undefined ? 1 : 2 ** -Math.min(age / recency, 500)) *
      (importance === undefined ? 1 : 1 - importance * (1 - (importances.get(id) ?? 0)))
    )
  }
  const bestFirst = (one: HybridResult, other: HybridResult) =>
    other.combinedScore - one.combinedScore || compareBytes(one.id, other.id)

  describe('recency and importance', () => {
    it.each([
      { recency: 30 },
      { recency: 0.5 },
      { recency: 5000 },
      { importance: 1 },
      { importance: 0.3 },
      { recency: 20, importance: 0.8 },
    ])('multiply the score by the documented factor: %o', async (options) => {
      const plain = new Map((await search(everything, 1000)).map((row) => [row.id, row]))
      for (const fusion of ['convex', 'rrf'] as const) {
        const unweighted = new Map((await search(everything, 1000, { fusion })).map((row) => [row.id, row]))
        const weighted = await search({ ...options, ...everything }, 1000, { fusion })
        expect(weighted).toHaveLength(plain.size)
        for (const row of weighted) {
          const { combinedScore, ...rest } = unweighted.get(row.id) as HybridResult
          expect(row).toMatchObject(rest)
          const expected = combinedScore * factorOf(row.id, options)
          // The clock goes on between the two.
          expect(Math.abs(row.combinedScore - expected)).toBeLessThanOrEqual(2e-3 * expected)
        }
        expect(weighted).toEqual([...weighted].sort(bestFirst))
      }
    })

    it.each([1, 10, 100])(
      'find with convex the %d best of all matches, not of some candidates',
      async (k) => {
        const plain = await search(everything, 1000)
        for (const options of [
          { recency: 3 },
          { recency: 60 },
          { importance: 1 },
          { recency: 90, importance: 0.5 },
        ]) {
          for (const weights of [{}, { vectorWeight: 0 }, { bm25Weight: 0 }, { queryEmbedding: null }]) {
            const all = Object.keys(weights).length === 0 ? plain : await search(everything, 1000, weights)
            const expected = all
              .map((row) => ({ ...row, combinedScore: row.combinedScore * factorOf(row.id, options) }))
              .sort(bestFirst)
            const found = await search(options, k, weights)
            expect(found).toHaveLength(k)
            for (const [at, row] of found.entries()) {
              const score = expected[at]?.combinedScore ?? Number.NaN
              expect(Math.abs(row.combinedScore - score)).toBeLessThanOrEqual(2e-3 * score)
            }
          }
        }
      },
    )

    it('count nothing by default, and true is 1', async () => {
      const plain = await search({})
      expect(await search({ importance: false })).toEqual(plain)
      expect(await search({ importance: 0 })).toEqual(plain)
      expect(await search({ importance: true })).toEqual(await search({ importance: 1 }))
      expect(await recall(test.db, { question: 'coffee', filter: { importance: true }, k: 3 })).toEqual(
        await hybridSearch(test.db, { queryText: 'coffee', filter: { importance: true }, k: 3 }),
      )
    })

    it('take any half-life above 0, and times to come for now', async () => {
      for (const recency of [1e-300, 1e-9, 1e300]) {
        const found = await search({ recency }, 1000)
        expect(found.length).toBe(588)
        expect(found.every((row) => Number.isFinite(row.combinedScore))).toBe(true)
      }
      await rememberMany(test.db, {
        items: [{ id: 'soon', text: 'unheard', createdAt: new Date('2999-01-01') }],
      })
      const [soon] = await hybridSearch(test.db, { queryText: 'unheard', filter: { recency: 1 } })
      expect(soon?.combinedScore).toBe(0.5)
      await test.db.execute(sql`DELETE FROM memory_items WHERE id = 'soon'`)
    })
  })

  describe('diversity', () => {
    it('chooses row after row by maximal marginal relevance', async () => {
      for (const lambda of [0, 0.3, 0.7, 0.99, 1]) {
        const pool = await search({}, 25)
        const all = await search({ candidates: 100 }, 100)
        const chosen = await search({ diversity: lambda }, 25)
        expect(idsOf(chosen)).toEqual(marginal(all, lambda, 25))
        if (lambda === 1) expect(chosen).toEqual(pool)
        expect(chosen[0]).toEqual(pool[0])
        const scores = new Map(all.map((row) => [row.id, row]))
        for (const row of chosen) expect(row).toEqual(scores.get(row.id))
        // Fewer are the beginning of more.
        expect(await search({ diversity: lambda }, 7)).toEqual(chosen.slice(0, 7))
      }
    })

    it('works with rrf, without vectors, with recency, and for every row', async () => {
      expect(await search({ diversity: 0.5 }, 10, { fusion: 'rrf' })).toHaveLength(10)
      expect(await search({ diversity: 0.5 }, 10, { queryEmbedding: null })).toHaveLength(10)
      expect(await search({ diversity: 0.5, recency: 30, importance: 1 }, 10)).toHaveLength(10)
      const found = await search({ diversity: 0.5 }, 588)
      expect(new Set(idsOf(found)).size).toBe(588)
      expect(await search({ diversity: 0.5, ids: [] })).toEqual([])
    })

    function marginal(pool: readonly HybridResult[], lambda: number, k: number): string[] {
      const best = pool[0]?.combinedScore ?? 1
      const chosen: HybridResult[] = []
      const likeness = (one: string, other: string) => {
        if (pool.some((row) => (row.id === one || row.id === other) && row.vectorScore === null)) return 0
        return cosine(vectors.get(one) ?? [], vectors.get(other) ?? [])
      }
      while (chosen.length < k) {
        const values = pool
          .filter((row) => !chosen.includes(row))
          .map((row) => {
            const closest =
              chosen.length === 0 ? 0 : Math.max(...chosen.map((one) => likeness(one.id, row.id)))
            return { row, value: (lambda * row.combinedScore) / best - (1 - lambda) * closest }
          })
          .sort((one, other) => other.value - one.value || bestFirst(one.row, other.row))
        chosen.push((values[0] as { row: HybridResult }).row)
      }
      return idsOf(chosen)
    }
  })

  describe('wrong values', () => {
    const numbers = ['a number', 'string "1"']
    it.each<[unknown, string[]]>([
      [{ recency: 0 }, ['filter.recency must be a finite number of days above 0, got 0']],
      [{ recency: -1 }, ['filter.recency', 'got -1']],
      [{ recency: Number.POSITIVE_INFINITY }, ['filter.recency must be a number, got null']],
      [{ recency: Number.NaN }, ['filter.recency must be a number, got null']],
      [{ recency: 1e301 }, ['filter.recency']],
      [{ recency: '1' }, ['filter.recency must be', ...numbers]],
      [{ recency: true }, ['filter.recency must be a number, got boolean true']],
      [{ importance: -0.1 }, ['filter.importance must be true, false or a number from 0 to 1, got -0.1']],
      [{ importance: 1.1 }, ['filter.importance', 'got 1.1']],
      [{ importance: 'high' }, ['filter.importance', 'got "high"']],
      [{ importance: null }, ['filter.importance', 'got null']],
      [{ importance: [0.5] }, ['filter.importance', '[0.5]']],
      [{ diversity: -1e-9 }, ['filter.diversity must be a number from 0 to 1, got -0.000000001']],
      [{ diversity: 2 }, ['filter.diversity', 'got 2']],
      [{ diversity: true }, ['filter.diversity must be a number, got boolean true']],
      [{ diversity: null }, ['filter.diversity must be a number, got null']],
      [{ candidates: 9 }, ['filter.candidates must be a whole number from k = 10 to 10000, got 9']],
      [{ candidates: 10_001 }, ['filter.candidates', 'got 10001']],
      [{ candidates: 10.5 }, ['filter.candidates', 'got 10.5']],
      [{ candidates: '100' }, ['filter.candidates must be a number']],
      [{ after: { score: 1, id: 'm' }, diversity: 0.5 }, ['filter.after and filter.diversity', 'got both']],
      [{ recencey: 1 }, ['"recencey"', 'recency', 'importance', 'diversity', 'after', 'candidates']],
      [{ halfLife: 1 }, ['"halfLife"']],
    ])('are refused: %o', async (wrong, parts) => {
      await expectRefusal(() => search(wrong as never), InvalidInputError, ...parts)
    })

    it.each<[unknown]>([
      [null],
      [1],
      ['m1'],
      [[]],
      [{}],
      [{ score: 1 }],
      [{ id: 'm1' }],
      [{ score: '1', id: 'm1' }],
      [{ score: 1, id: 1 }],
      [{ score: Number.NaN, id: 'm1' }],
      [{ score: 1, id: 'm1', extra: 1 }],
      [{ score: 1, id: null }],
    ])('a cursor is refused by every search: %o', async (after) => {
      const filter = { after } as never
      for (const attempt of [bm25Search, vectorSearch, hybridSearch]) {
        await expectRefusal(
          () => attempt(test.db, { ...asked, filter }),
          InvalidInputError,
          'filter.after must be {"score": number, "id": string} of the last row before, got ',
        )
      }
    })

    it('are refused in SQL too, where JSON has larger numbers', async () => {
      const refused = (filter: string, message: string) =>
        expect(
          test.db.execute(sql`SELECT * FROM hybrid_search('coffee', NULL, filter => ${filter}::text::jsonb)`),
        ).rejects.toMatchObject({ cause: { message: expect.stringContaining(message) } })
      await refused('{"recency": 1e400}', 'filter.recency must be a finite number of days above 0')
      await refused('{"recency": 1e-400}', 'filter.recency must be a finite number of days above 0')
      await refused('{"importance": 1e-400}', 'filter.importance must be true, false or a number from 0 to 1')
      await refused('{"diversity": 1e-400}', 'filter.diversity must be a number from 0 to 1')
      await refused('{"candidates": 1e400}', 'filter.candidates must be a whole number')
      await refused('{"after": {"score": 1e400, "id": ""}}', 'filter.after must be')
      await refused('{"after": {"score": 1e-400, "id": ""}}', 'filter.after must be')
    })

    it('what only hybrid_search has, the others refuse by name', async () => {
      for (const key of ['recency', 'importance', 'diversity', 'candidates']) {
        const filter = { [key]: 1 } as never
        for (const attempt of [bm25Search, vectorSearch, explainSearch]) {
          await expectRefusal(() => attempt(test.db, { ...asked, filter }), InvalidInputError, `"${key}"`)
        }
      }
      const filter = { after: { score: 1, id: 'm' } } as never
      await expectRefusal(() => explainSearch(test.db, { ...asked, filter }), InvalidInputError, '"after"')
    })
  })
})
