import { beforeAll, describe, expect, it } from 'vitest'
import { rememberMany } from '../../src/index.ts'
import { evaluate } from '../../src/tuning/evaluate.ts'
import type { JudgedQuery } from '../../src/tuning/judged-queries.ts'
import { mean, ndcgAt, recallAt, reciprocalRank, standardError } from '../../src/tuning/metrics.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'

describe('metrics', () => {
  const gains = new Map([
    ['a', 3],
    ['b', 2],
    ['c', 1],
    ['zero', 0],
  ])

  it('nDCG: 1 for the ideal order, discounted by log2(rank + 1), cut at k', () => {
    expect(ndcgAt(['a', 'b', 'c'], gains)).toBeCloseTo(1, 12)
    const ideal = 3 + 2 / Math.log2(3) + 1 / 2
    expect(ndcgAt(['c', 'x', 'a'], gains)).toBeCloseTo((1 + 3 / 2) / ideal, 12)
    expect(ndcgAt(['x', 'a'], gains, 1)).toBe(0)
    expect(ndcgAt(['c'], gains, 1)).toBeCloseTo(1 / 3, 12)
    expect(ndcgAt([], gains)).toBe(0)
    expect(ndcgAt(['a'], new Map())).toBe(0)
  })

  it('recall: the share of the relevant, cut at k', () => {
    expect(recallAt(['a', 'x', 'c', 'zero'], gains)).toBeCloseTo(2 / 3, 12)
    expect(recallAt(['a', 'x', 'c'], gains, 2)).toBeCloseTo(1 / 3, 12)
    expect(recallAt(['a'], new Map([['a', 0]]))).toBe(0)
  })

  it('reciprocal rank: of the first relevant', () => {
    expect(reciprocalRank(['x', 'zero', 'b', 'a'], gains)).toBeCloseTo(1 / 3, 12)
    expect(reciprocalRank(['x'], gains)).toBe(0)
  })

  it('mean and its standard error', () => {
    expect(mean([1, 2, 6])).toBe(3)
    expect(standardError([1, 2, 6])).toBeCloseTo(Math.sqrt(7 / 3), 12)
    expect(standardError([1])).toBe(0)
  })
})

describeOnEachBackend('evaluate', (test) => {
  const items = [
    {
      id: 'seat',
      text: 'Ana prefers window seats on long flights',
      embedding: vectorOf('window seat preference'),
    },
    { id: 'boiler', text: 'The boiler was serviced in May', embedding: vectorOf('heating maintenance') },
    { id: 'tyre', text: 'Bob bicycle has a flat tyre', embedding: vectorOf('flat bicycle tyre') },
    { id: 'words', text: 'a window without a vector' },
  ]
  beforeAll(async () => {
    await rememberMany(test.db, { items })
  })
  const queries: JudgedQuery[] = [
    { queryText: 'window seats', queryEmbedding: vectorOf('bicycle'), relevant: ['seat'] },
    {
      queryText: 'bicycle',
      queryEmbedding: vectorOf('heating maintenance'),
      relevant: { boiler: 2, tyre: 1 },
    },
  ]

  it('measures each method by its own search', async () => {
    const onlyVector = { fusion: 'convex', bm25Weight: 0, vectorWeight: 1 } as const
    const progress: [number, number][] = []
    const { methods, ndcgByQuery, ...rest } = await evaluate(test.db, queries, {
      methods: { onlyVector },
      onProgress: (...now) => progress.push(now),
    })
    expect(rest).toEqual({ queries: 2 })
    expect(Object.keys(methods)).toEqual(['bm25', 'vector', 'rrf', 'convex', 'onlyVector'])
    expect(progress).toEqual([
      [1, 2],
      [2, 2],
    ])
    // bm25 finds "seat" first for the one, only "tyre" of the two for the other.
    const ideal = 2 + 1 / Math.log2(3)
    expect(ndcgByQuery.bm25[0]).toBe(1)
    expect(ndcgByQuery.bm25[1]).toBeCloseTo(1 / ideal, 12)
    expect(methods.bm25).toMatchObject({ recall: 0.75, mrr: 1 })
    expect(methods.bm25.ndcg).toBeCloseTo((1 + 1 / ideal) / 2, 12)
    // The vector of the first points at another memory, that of the second at the better answer.
    expect(ndcgByQuery.vector[0]).toBeLessThan(1)
    expect(methods.vector).toMatchObject({ recall: 1 })
    expect(methods.onlyVector.ndcg).toBeCloseTo(methods.vector.ndcg, 12)
    expect(methods.convex.recall).toBe(1)
  })

  it('embeds, filters, and does without a vector', async () => {
    const query = { queryText: 'window seat preference', relevant: ['seat'] }
    const embedder = wordEmbedder()
    const { methods } = await evaluate(test.db, [query], { embedder })
    expect(embedder.calls).toEqual([['window seat preference']])
    expect(methods.vector.ndcg).toBe(1)
    const without = await evaluate(test.db, [query])
    expect(without.methods.vector).toMatchObject({ ndcg: 0, recall: 0, mrr: 0 })
    expect(without.methods.convex.ndcg).toBe(without.methods.bm25.ndcg)
    const filtered = await evaluate(test.db, [{ ...query, filter: { ids: ['words'] } }])
    expect(filtered.methods.bm25).toMatchObject({ recall: 0 })
  })

  it('looks for recall and MRR no further than it was told, however far nDCG looks', async () => {
    // By bm25 "words" is the first of two that share the word, "seat" the second.
    const judged = [{ queryText: 'window', relevant: ['seat'] }]
    const measured = async (recallAt: number) =>
      (await evaluate(test.db, judged, { ndcgAt: 10, recallAt })).methods.bm25
    expect(await measured(1)).toMatchObject({ recall: 0, mrr: 0 })
    expect(await measured(2)).toMatchObject({ recall: 1, mrr: 0.5 })
  })

  it('refuses judgements that are none', async () => {
    const wrongs: [unknown, RegExp][] = [
      [[], /at least one query, got none/],
      ['queries', /got string/],
      [[{ queryText: 'x', relevant: [] }], /judgedQueries\[0\].relevant must have at least one memory/],
      [
        [queries[0], { queryText: 'x', relevant: { a: 0 } }],
        /judgedQueries\[1\].relevant must have at least one/,
      ],
      [[{ queryText: 'x', relevant: { a: -1 } }], /numbers from 0, got -1 for "a"/],
      [[{ queryText: 'x', relevant: { a: Number.NaN } }], /numbers from 0, got NaN/],
      [[{ queryText: 'x' }], /must be ids, or gains by id, got undefined/],
      [[{ relevant: ['a'] }], /judgedQueries\[0\].queryText must be a string/],
      [[null], /queryText must be a string/],
    ]
    for (const [judged, message] of wrongs) {
      const failure = evaluate(test.db, judged as JudgedQuery[])
      await expect(failure).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(failure).rejects.toThrow(message)
    }
    const weights = { fusion: 'rrf', bm25Weight: 1, vectorWeight: 1 } as const
    await expect(evaluate(test.db, queries, { methods: { bm25: weights } })).rejects.toThrow(
      /names of their own/,
    )
    await expect(evaluate(test.db, queries, { recallAt: 1001 })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    const embedder = wordEmbedder()
    embedder.fail = () => {
      throw new Error('broken')
    }
    await expect(
      evaluate(test.db, [{ queryText: 'x', relevant: ['a'] }], { embedder }),
    ).rejects.toMatchObject({
      code: 'embedder',
    })
  })
})
