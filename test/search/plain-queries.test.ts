import { beforeAll, expect, it } from 'vitest'
import {
  bm25Search,
  createMemory,
  type Embedder,
  EmbedderError,
  hybridSearch,
  recall,
  rememberMany,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { embedding, idsOf } from '../support/fixtures.ts'

const questions: [string, string][] = [
  ['Why must nobody run git push -f on main?', 'push'],
  ['Which van did Ana call "the small blue one"?', 'van'],
  ['Must the freezer stay below -18 or -20?', 'freezer'],
  ['Is -"green tea" what Ana drinks?', 'tea'],
]

/** An embedder that is away. */
const awayEmbedder: Embedder = {
  model: 'away',
  dimensions,
  embed: async () => {
    throw new EmbedderError('the embedder is away', { blames: 'service' })
  },
}

describeOnEachBackend('a query as prose', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'push', text: 'Nobody may run git push -f on main, it lost work', embedding: embedding(1) },
        { id: 'main', text: 'The main road is closed' },
        { id: 'van', text: 'Ana called the blue van the little one', embedding: embedding(2) },
        { id: 'cup', text: 'The cup is blue' },
        { id: 'freezer', text: 'The freezer must stay below -18 degrees' },
        { id: 'tea', text: 'Ana drinks green tea every day' },
        { id: 'mixed', text: 'tea in the morning, green peas later' },
        { id: 'phrase', text: 'a green tea with peas' },
      ],
    })
  })

  it.each(questions)('%s excludes and requires nothing in recall', async (question, id) => {
    expect((await recall(test.db, { question }))[0]?.id).toBe(id)
    expect((await recall(test.db, { question, embedding: embedding(7) })).map((row) => row.id)).toContain(id)
    const { memories } = await createMemory(test.db, awayEmbedder).recall(question)
    expect(memories[0]?.id).toBe(id)
    const filter = { operators: false }
    expect((await bm25Search(test.db, { queryText: question, filter }))[0]?.id).toBe(id)
    expect((await hybridSearch(test.db, { queryText: question, filter }))[0]?.id).toBe(id)
  })

  it('has operators in recall where the caller asks for them', async () => {
    const filter = { operators: true }
    expect(idsOf(await recall(test.db, { question: 'tea -green', filter }))).toEqual([])
    expect(idsOf(await recall(test.db, { question: '"green tea"', filter })).sort()).toEqual([
      'phrase',
      'tea',
    ])
  })

  it('has operators by default in the searches by name', async () => {
    const queryText = 'Why must nobody run git push -f on main?'
    expect(idsOf(await bm25Search(test.db, { queryText }))).not.toContain('push')
    expect(idsOf(await bm25Search(test.db, { queryText: '"green tea"' })).sort()).toEqual(['phrase', 'tea'])
  })

  it('ranks a row with the quoted phrase above one that has its words apart', async () => {
    const filter = { operators: false }
    const plain = await bm25Search(test.db, { queryText: 'green tea peas', filter })
    const quoted = await bm25Search(test.db, { queryText: '"green tea" peas', filter })
    const scoreOf = (rows: typeof plain, id: string) => rows.find((row) => row.id === id)?.score ?? Number.NaN
    expect(scoreOf(quoted, 'phrase')).toBeCloseTo(1.5 * scoreOf(plain, 'phrase'), 9)
    expect(scoreOf(quoted, 'tea')).toBeCloseTo(1.5 * scoreOf(plain, 'tea'), 9)
    expect(scoreOf(quoted, 'mixed')).toBeCloseTo(scoreOf(plain, 'mixed'), 9)
    expect(quoted[0]?.id).toBe('phrase')
    // By hybrid search the same row scores the same, whichever leg found it.
    const hybrid = await hybridSearch(test.db, {
      queryText: '"green tea" peas',
      queryEmbedding: embedding(1),
      filter,
    })
    for (const { id, bm25Score } of hybrid.filter((row) => row.bm25Rank !== null))
      expect(bm25Score).toBe(scoreOf(quoted, id))
  })

  it.each(['???', '🎉', '-', '"'])(
    '%s finds nothing and is no error, while the embedder is away',
    async (question) => {
      expect(await recall(test.db, { question })).toEqual([])
      expect(await hybridSearch(test.db, { queryText: question })).toEqual([])
      const { memories, embedded } = await createMemory(test.db, awayEmbedder).recall(question)
      expect({ memories, embedded }).toEqual({ memories: [], embedded: false })
    },
  )
})
