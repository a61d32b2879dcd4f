import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import {
  bm25Search,
  type HybridSearchOptions,
  hybridSearch,
  InvalidInputError,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { cosine, embedding, expectRefusal, idsOf, vectorText } from '../support/fixtures.ts'

describeOnEachBackend('hybrid_search', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'both', text: 'window seat', embedding: embedding(1) },
        { id: 'far', text: 'window window seat seat', embedding: embedding(2) },
        { id: 'keyword', text: 'window' },
        { id: 'vector', text: 'unrelated words', embedding: embedding(3) },
        { id: 'neither', text: 'unrelated too' },
      ],
    })
  })
  const search = (options: HybridSearchOptions) => hybridSearch(test.db, options)

  it('considers what either leg finds, and scores it on both', async () => {
    const results = await search({ queryText: 'window seat', queryEmbedding: embedding(1) })
    expect(idsOf(results).sort()).toEqual(['both', 'far', 'keyword', 'vector'])
    const byId = new Map(results.map((row) => [row.id, row]))
    expect(byId.get('keyword')).toMatchObject({ vectorScore: null, vectorRank: null, bm25Rank: 3 })
    expect(byId.get('vector')).toMatchObject({ bm25Score: 0, bm25Rank: null })
    expect(byId.get('vector')?.vectorScore).toBeCloseTo(cosine(embedding(1), embedding(3)), 6)
    expect(byId.get('both')).toMatchObject({ vectorRank: 1 })
    const keyword = await bm25Search(test.db, { queryText: 'window seat' })
    for (const row of keyword) expect(byId.get(row.id)?.bm25Score).toBe(row.score)
  })

  it('combines by the documented formulas', async () => {
    const options = { queryText: 'window seat', queryEmbedding: embedding(1), bm25Weight: 3, vectorWeight: 1 }
    const convex = await search(options)
    const best = Math.max(...convex.map((row) => row.bm25Score))
    const nearest = Math.max(...convex.map((row) => (row.vectorScore ?? -1) + 1))
    for (const row of convex) {
      const expected = (3 * (row.bm25Score / best) + ((row.vectorScore ?? -1) + 1) / nearest) / 4
      expect(row.combinedScore).toBeCloseTo(expected, 12)
    }
    for (const row of await search({ ...options, fusion: 'rrf' })) {
      const part = (weight: number, rank: number | null) => (rank === null ? 0 : weight / (60 + rank))
      expect(row.combinedScore).toBeCloseTo(part(3, row.bm25Rank) + part(1, row.vectorRank), 12)
    }
  })

  it('lets a weight of 0 leave a leg out of the score, not out of the results', async () => {
    const common = { queryText: 'window seat', queryEmbedding: embedding(3) }
    const keyword = await search({ ...common, vectorWeight: 0 })
    expect(idsOf(keyword)).toContain('vector')
    expect(keyword.at(-1)).toMatchObject({ id: 'vector', combinedScore: 0 })
    const vector = await search({ ...common, bm25Weight: 0 })
    expect(vector[0]).toMatchObject({ id: 'vector', combinedScore: 1 })
    expect(vector.at(-1)).toMatchObject({ id: 'keyword', combinedScore: 0 })
  })

  it('is vector search for an empty text, one of stop words alone, or null', async () => {
    const queryEmbedding = embedding(2)
    const expected = idsOf(await vectorSearch(test.db, { queryEmbedding }))
    for (const queryText of ['', ' ', 'the of', null, undefined, '"', '-']) {
      const results = await search({ queryEmbedding, ...(queryText !== undefined && { queryText }) })
      expect(idsOf(results)).toEqual(expected)
      for (const row of results) expect(row).toMatchObject({ bm25Score: 0, bm25Rank: null })
      expect(results[0]?.combinedScore).toBeCloseTo(0.5, 12)
    }
  })

  it('is keyword search without an embedding', async () => {
    const expected = await bm25Search(test.db, { queryText: 'window seat' })
    for (const queryEmbedding of [null, undefined]) {
      const results = await search({
        queryText: 'window seat',
        ...(queryEmbedding !== undefined && { queryEmbedding }),
      })
      expect(idsOf(results)).toEqual(idsOf(expected))
      for (const row of results) expect(row).toMatchObject({ vectorScore: null, vectorRank: null })
      expect(results[0]?.combinedScore).toBeCloseTo(0.5, 12)
    }
  })

  it('gives 0 where the range of a leg is zero', async () => {
    const opposite = embedding(1).map((value) => -value)
    const [only] = await search({
      queryText: 'nothing',
      queryEmbedding: opposite,
      filter: { ids: ['both'], fuzzy: false },
    })
    expect(only?.vectorScore).toBeCloseTo(-1, 6)
    expect(Number.isFinite(only?.combinedScore)).toBe(true)
  })

  it('wants phrases and forbids exclusions on the vector leg too', async () => {
    const queryEmbedding = embedding(3)
    expect(idsOf(await search({ queryText: '"window seat"', queryEmbedding })).sort()).toEqual([
      'both',
      'far',
    ])
    expect(idsOf(await search({ queryText: 'seat -window', queryEmbedding }))).toEqual(['vector'])
    expect(idsOf(await search({ queryText: '-window', queryEmbedding }))).toEqual(['vector'])
  })

  it('corrects a typing error, unless fuzzy is false', async () => {
    const fuzzy = await search({ queryText: 'windowx', queryEmbedding: embedding(3) })
    expect(fuzzy.filter((row) => row.bm25Rank !== null)).toHaveLength(3)
    const exact = await search({
      queryText: 'windowx',
      queryEmbedding: embedding(3),
      filter: { fuzzy: false },
    })
    expect(exact.filter((row) => row.bm25Rank !== null)).toEqual([])
  })

  it('is called by position and by name', async () => {
    const vector = vectorText(embedding(1))
    const calls = [
      sql`SELECT * FROM hybrid_search('window seat', ${vector})`,
      sql`SELECT * FROM hybrid_search('window seat', ${vector}::vector, '{}', 10, 0.5, 0.5, '{}', 'convex')`,
      sql`SELECT * FROM hybrid_search(query_embedding => ${vector}::vector, query_text => 'window seat', bm25_weight => 0.5,
        vector_weight => 0.5, fusion => 'convex', filter => '{}', k => 10, query_tags => '{}')`,
    ]
    for (const call of calls) {
      const rows = rowsOf(await test.db.execute(call))
      expect(rows).toHaveLength(4)
      expect(Object.keys(rows[0] ?? {})).toEqual([
        'id',
        'text',
        'tags',
        'created_at',
        'bm25_score',
        'vector_score',
        'combined_score',
        'bm25_rank',
        'vector_rank',
      ])
    }
  })

  it.each([
    [
      'neither text nor vector',
      { queryText: null, queryEmbedding: null },
      ['queryText', 'queryEmbedding', 'neither'],
    ],
    ['no text and no vector', { queryText: '', queryEmbedding: null }, ['neither']],
    ['weights that are both 0', { bm25Weight: 0, vectorWeight: 0 }, ['must not both be 0']],
    ['a negative weight', { bm25Weight: -1 }, ['bm25Weight', '-1']],
    ['a negative weight', { vectorWeight: -1e-300 }, ['vectorWeight', '-1e-300']],
    ['a weight of NaN', { vectorWeight: Number.NaN }, ['vectorWeight', 'NaN']],
    ['a weight of infinity', { bm25Weight: Number.POSITIVE_INFINITY }, ['bm25Weight', 'Infinity']],
    ['a weight of text', { bm25Weight: 'much' }, ['much']],
    ['a weight of null', { bm25Weight: null }, ['null']],
    ['a fusion that is none', { fusion: 'sum' }, ['fusion', 'convex or rrf', '"sum"']],
    ['a fusion of null', { fusion: null }, ['fusion', 'null']],
    ['a zero vector', { queryEmbedding: new Array(dimensions).fill(0) }, ['queryEmbedding', 'zero vector']],
    ['k = 0', { k: 0 }, ['k must be', '1 to 1000', '0']],
    ['k = 1.5', { k: 1.5 }, ['k must be', '1.5']],
    ['a text too long', { queryText: 'é'.repeat(32_769) }, ['65536', '65538']],
  ])('refuses %s', async (_, wrong, parts) => {
    const options = { queryText: 'window', queryEmbedding: embedding(1), ...wrong } as never
    await expectRefusal(() => hybridSearch(test.db, options), InvalidInputError, ...parts)
  })

  it.each(['the', '-window', '???'])('answers no rows for %s without a vector', async (queryText) => {
    expect(await hybridSearch(test.db, { queryText })).toEqual([])
  })

  it('refuses the same in SQL', async () => {
    const refused = (args: string, message: string) =>
      expect(test.db.execute(sql.raw(`SELECT * FROM hybrid_search(${args})`))).rejects.toMatchObject({
        cause: { message: expect.stringContaining(message) },
      })
    await refused('NULL, NULL', 'got neither')
    await refused("'a', '[1,2]'", `${dimensions} dimensions, got 2`)
    await refused("'a', NULL, bm25_weight => 'NaN'", 'bm25_weight must be a number from 0')
    await refused(
      "'a', NULL, vector_weight => NULL",
      'vector_weight must be a number from 0 to 1000000, got null',
    )
    await refused("'a', NULL, k => NULL", 'k must be from 1 to 1000, got null')
    await refused("'a', NULL, fusion => 'RRF'", 'fusion must be convex or rrf, got "RRF"')
    await refused("'a', NULL, fusion => NULL", 'got null')
  })
})
