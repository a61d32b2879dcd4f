import { beforeAll, expect, it } from 'vitest'
import { hybridSearch, InvalidInputError, recall, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('recall', (test) => {
  beforeAll(async () => {
    const items = Array.from({ length: 8 }, (_, at) => ({
      id: `m${at}`,
      text: `window seat ${at}`,
      namespace: at % 2 ? 'ana' : 'bob',
      tags: [`t${at % 3}`],
      ...(at > 2 && { embedding: embedding(at) }),
    }))
    await rememberMany(test.db, { items })
  })

  it('is hybridSearch with five results', async () => {
    const question = 'window 4'
    const expected = await hybridSearch(test.db, { queryText: question, queryEmbedding: embedding(4), k: 5 })
    expect(await recall(test.db, { question, embedding: embedding(4) })).toEqual(expected)
    expect(expected).toHaveLength(5)
  })

  it('finds by keyword without an embedding', async () => {
    const results = await recall(test.db, { question: 'seat', k: 100 })
    expect(results).toHaveLength(8)
    for (const row of results) expect(row.vectorScore).toBeNull()
  })

  it('keeps to a namespace, tags and a filter', async () => {
    const found = async (options: object) =>
      idsOf(await recall(test.db, { question: 'seat', k: 100, ...options })).sort()
    expect(await found({ namespace: 'ana' })).toEqual(['m1', 'm3', 'm5', 'm7'])
    expect(await found({ namespace: 'ana', tags: ['t1'] })).toEqual(['m1', 'm7'])
    expect(await found({ namespace: 'ana', filter: { ids: ['m1', 'm2'] } })).toEqual(['m1'])
    // The option wins over the same key of the filter: nobody reaches another's memories by way of a filter.
    expect(await found({ namespace: 'ana', filter: { namespace: 'bob' } })).toEqual(['m1', 'm3', 'm5', 'm7'])
  })

  it('refuses what the search refuses', async () => {
    await expectRefusal(recall(test.db, { question: '' }), InvalidInputError, 'neither')
    expect(await recall(test.db, { question: 'the' })).toEqual([])
    await expectRefusal(recall(test.db, { question: 'seat', k: 0 }), InvalidInputError, 'k must be')
    await expectRefusal(
      recall(test.db, { question: 'seat', namespace: null as never }),
      InvalidInputError,
      'namespace',
    )
    await expectRefusal(recall(test.db, { question: 5 as never }), InvalidInputError, 'string', 'number')
  })
})
