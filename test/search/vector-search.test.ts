import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { InvalidInputError, rememberMany, vectorSearch } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { cosine, embedding, expectRefusal, idsOf, vectorText } from '../support/fixtures.ts'

describeOnEachBackend('vector_search', (test) => {
  beforeAll(async () => {
    const items = [1, 2, 3, 4, 5, 6].map((seed) => ({
      id: `v${seed}`,
      text: `vector ${seed}`,
      embedding: embedding(seed),
      tags: ['v'],
    }))
    const opposite = { id: 'opposite', text: 'opposite', embedding: embedding(1).map((value) => -value) }
    const twins = ['twin9', 'twin10', 'twinB', 'twina'].map((id) => ({
      id,
      text: id,
      embedding: embedding(7),
    }))
    await rememberMany(test.db, {
      items: [...items, ...twins.reverse(), opposite, { id: 'none', text: 'vector' }],
    })
  })

  it('gives the nearest first, with the cosine, and never a row without an embedding', async () => {
    const results = await vectorSearch(test.db, { queryEmbedding: embedding(1), k: 1000 })
    expect(results).toHaveLength(11)
    expect(idsOf(results)[0]).toBe('v1')
    expect(results[0]?.similarity).toBeCloseTo(1, 6)
    expect(results.at(-1)).toMatchObject({ id: 'opposite' })
    expect(results.at(-1)?.similarity).toBeCloseTo(-1, 6)
    for (const row of results.filter(({ id }) => /^v\d/.test(id))) {
      expect(row.similarity).toBeCloseTo(cosine(embedding(1), embedding(Number(row.id.slice(1)))), 6)
    }
    expect(results[0]).toMatchObject({ text: 'vector 1', tags: ['v'], createdAt: expect.any(Date) })
  })

  it('breaks ties by the bytes of the id', async () => {
    const results = await vectorSearch(test.db, { queryEmbedding: embedding(7), k: 3 })
    expect(idsOf(results)).toEqual(['twin10', 'twin9', 'twinB'])
  })

  it('looks at the direction of the query alone, however long it is', async () => {
    const expected = idsOf(await vectorSearch(test.db, { queryEmbedding: embedding(2) }))
    for (const scale of [1e-42, 1e-30, 1e-9, 1e9, 1e30, 3e38]) {
      const queryEmbedding = embedding(2).map((value) => value * scale)
      const results = await vectorSearch(test.db, { queryEmbedding })
      expect(idsOf(results)[0]).toBe(expected[0])
      expect(results[0]?.similarity).toBeCloseTo(1, 4)
    }
    const typed = await vectorSearch(test.db, { queryEmbedding: new Float32Array(embedding(2)) })
    expect(idsOf(typed)).toEqual(expected)
  })

  it('is called by position and by name', async () => {
    const vector = vectorText(embedding(1))
    const calls = [
      sql`SELECT * FROM vector_search(${vector}::vector, '{}', 2, '{}')`,
      sql`SELECT * FROM vector_search(${vector}::vector, k => 2)`,
      sql`SELECT * FROM vector_search(query_embedding => ${vector}, query_tags => '{v}', k => 2, filter => '{"fuzzy":true}')`,
    ]
    for (const call of calls) {
      const rows = rowsOf(await test.db.execute(call))
      expect(rows[0]?.id).toBe('v1')
      expect(rows).toHaveLength(2)
      expect(Object.keys(rows[0] ?? {})).toEqual(['id', 'text', 'tags', 'created_at', 'similarity'])
    }
  })

  it.each([
    [
      'a dimension too few',
      new Array(dimensions - 1).fill(1),
      [`${dimensions} dimensions`, `got ${dimensions - 1}`],
    ],
    ['no dimensions', [], ['dimensions', 'got 0']],
    ['a zero vector', new Array(dimensions).fill(0), ['zero vector']],
    ['a vector that is zero in single precision', new Array(dimensions).fill(1e-60), ['zero vector']],
    ['NaN', [Number.NaN, ...embedding(1).slice(1)], ['finite', 'NaN at position 0']],
    [
      'infinity',
      [...embedding(1).slice(1), Number.NEGATIVE_INFINITY],
      ['finite', `-Infinity at position ${dimensions - 1}`],
    ],
    ['null', null, [`${dimensions}`, 'null']],
    ['a hole', Object.assign(embedding(1), { 5: undefined }), ['undefined at position 5']],
    ['text', '[1,2,3]', ['array of numbers', 'string']],
  ])('refuses %s', async (_, queryEmbedding, parts) => {
    await expectRefusal(
      () => vectorSearch(test.db, { queryEmbedding: queryEmbedding as never }),
      InvalidInputError,
      ...parts,
    )
  })

  it('refuses the same in SQL', async () => {
    const refused = (vector: ReturnType<typeof sql>, message: string) =>
      expect(test.db.execute(sql`SELECT * FROM vector_search(${vector})`)).rejects.toMatchObject({
        cause: { message: expect.stringContaining(message) },
      })
    await refused(sql`'[1,2,3]'::vector`, `query_embedding must have ${dimensions} dimensions, got 3`)
    await refused(sql`array_fill(0, ARRAY[${dimensions}::integer])::vector`, 'got a zero vector')
    await refused(sql`NULL`, 'got null')
    await refused(
      sql`replace(array_fill(1, ARRAY[${dimensions}::integer])::vector::text, '[1,', '[NaN,')::vector`,
      'NaN not allowed',
    )
  })
})
