import { beforeAll, expect, it } from 'vitest'
import {
  bm25Search,
  hybridSearch,
  InvalidInputError,
  recall,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal } from '../support/fixtures.ts'
import { pagesOf } from '../support/pages.ts'

describeOnEachBackend('filter.minScore', (test) => {
  const queryText = 'coffee window seat'
  const queryEmbedding = embedding(1)

  beforeAll(async () => {
    const texts = [
      'coffee window seat',
      'coffee window',
      'a coffee',
      'a window that is large',
      'coffee coffee seat',
      'tea',
    ]
    const items = Array.from({ length: 60 }, (_, at) => ({
      id: `m${at}`,
      text: `${texts[at % texts.length]} ${'filler '.repeat(at % 7)}`,
      embedding: embedding(1 + (at % 9)),
    }))
    await rememberMany(test.db, {
      items: items.map((item) => ({ ...item, text: `${item.text} ${item.id}` })),
    })
  })

  it('is a share of the best score by keyword, on every page', async () => {
    const all = await bm25Search(test.db, { queryText, k: 100 })
    for (const minScore of [0, 0.2, 0.5, 0.99, 1]) {
      const expected = all.filter(({ score }) => score >= minScore * (all[0]?.score ?? 0))
      expect(await bm25Search(test.db, { queryText, k: 100, filter: { minScore } })).toEqual(expected)
      const pages = await pagesOf(
        (after) => bm25Search(test.db, { queryText, k: 7, filter: { minScore, ...after } }),
        7,
        (row) => row.score,
      )
      expect(pages).toEqual(expected)
    }
  })

  it('is a similarity by vector, and the combined score of both', async () => {
    const nearest = await vectorSearch(test.db, { queryEmbedding, k: 100 })
    for (const minScore of [-1, 0, 0.5, 0.999]) {
      expect(await vectorSearch(test.db, { queryEmbedding, k: 100, filter: { minScore } })).toEqual(
        nearest.filter(({ similarity }) => similarity >= minScore),
      )
    }
    const both = await hybridSearch(test.db, { queryText, queryEmbedding, k: 100 })
    for (const minScore of [0, 0.4, 0.8, 1]) {
      const expected = both.filter(({ combinedScore }) => combinedScore >= minScore)
      const asked = { queryText, queryEmbedding, filter: { minScore } }
      expect(await hybridSearch(test.db, { ...asked, k: 100 })).toEqual(expected)
      const diverse = await hybridSearch(test.db, { ...asked, k: 100, filter: { minScore, diversity: 0.5 } })
      expect(diverse.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort())
    }
    const few = { question: queryText, embedding: queryEmbedding, k: 100, filter: { minScore: 0.8 } }
    expect(await recall(test.db, few)).toEqual(both.filter(({ combinedScore }) => combinedScore >= 0.8))
  })

  it('refuses what no score could be', async () => {
    for (const minScore of [-0.1, 1.1, Number.NaN, '0.5', 1e300]) {
      const filter = { minScore } as { minScore: number }
      await expectRefusal(bm25Search(test.db, { queryText, filter }), InvalidInputError, 'filter.minScore')
      await expectRefusal(hybridSearch(test.db, { queryText, filter }), InvalidInputError, 'filter.minScore')
    }
    await expectRefusal(
      vectorSearch(test.db, { queryEmbedding, filter: { minScore: -1.5 } }),
      InvalidInputError,
      'from -1 to 1, got -1.5',
    )
  })
})
