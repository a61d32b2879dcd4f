import { beforeAll, expect, it } from 'vitest'
import { bm25Search, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { idsOf } from '../support/fixtures.ts'

describeOnEachBackend('a word that nobody wrote', (test) => {
  beforeAll(async () => {
    // Both are as similar to `zorbat` (the same trigrams but for the end), and the rare one comes first by its letters.
    const rare = [{ id: 'rare', text: 'zorbab' }]
    const frequent = Array.from({ length: 3 }, (_, at) => ({
      id: `frequent ${at}`,
      text: `zorbaz number ${at}`,
    }))
    await rememberMany(test.db, { items: [...rare, ...frequent] })
  })

  it('is taken for the more frequent of two that are as similar', async () => {
    expect(idsOf(await bm25Search(test.db, { queryText: 'zorbat' })).sort()).toEqual([
      'frequent 0',
      'frequent 1',
      'frequent 2',
    ])
  })
})
