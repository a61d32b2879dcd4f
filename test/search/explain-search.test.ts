import { beforeAll, expect, it } from 'vitest'
import { bm25Search, explainSearch, highlight, InvalidInputError, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('explainSearch and highlight', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'a', text: 'Ana prefers window seats on every flight, window after window' },
        { id: 'b', text: 'The aisle seat is for Bob' },
        { id: 'c', text: 'Coffee without sugar' },
      ],
    })
  })

  it('tells what each word adds to each score', async () => {
    const options = { queryText: 'windo seat seat -bob elephant' }
    const explained = await explainSearch(test.db, options)
    const found = await bm25Search(test.db, options)
    expect(explained).toMatchObject({ path: 'every match', documents: 3, share: 1 })
    expect(explained.lexemes).toEqual([
      { lexeme: 'seat', times: 2, documentFrequency: 2, idf: expect.closeTo(Math.log(1 + 1.5 / 2.5), 9) },
      { lexeme: 'window', times: 1, documentFrequency: 1, idf: expect.closeTo(Math.log(1 + 2.5 / 1.5), 9) },
    ])
    expect(explained.results.map(({ id, score }) => ({ id, score }))).toEqual(
      found.map(({ id, score }) => ({ id, score })),
    )
    expect(explained.results).toHaveLength(1)
    for (const { lexemes, score, length } of explained.results) {
      expect(lexemes.map(({ lexeme, tf }) => [lexeme, tf])).toEqual([
        ['seat', 1],
        ['window', 3],
      ])
      expect(lexemes.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 9)
      expect(length).toBe(8)
    }
  })

  it('tells that nothing matches', async () => {
    for (const queryText of ['', 'the of', 'xylophone']) {
      expect(await explainSearch(test.db, { queryText })).toMatchObject({
        path: 'no match',
        results: [],
        lexemes: [],
      })
    }
    await expectRefusal(explainSearch(test.db, { queryText: 'x', k: 0 }), InvalidInputError, 'k must be')
  })

  it('marks the words that match, in every form and misspelt', async () => {
    const text = 'Ana prefers window seats on every flight'
    expect(await highlight(test.db, { text, queryText: 'windo seat' })).toBe(
      'Ana prefers <b>window</b> <b>seats</b> on every flight',
    )
    expect(await highlight(test.db, { text, queryText: 'the', startTag: '[', stopTag: ']' })).toBe(text)
    expect(
      await highlight(test.db, { text, queryText: '"window seat" -bob', startTag: '"', stopTag: '"' }),
    ).toBe('Ana prefers "window" "seats" on every flight')
  })

  it('shows the part that answers, or the whole text', async () => {
    const text = `${'nothing here '.repeat(100)}a window at last ${'nothing there '.repeat(100)}`
    const part = await highlight(test.db, { text, queryText: 'window', maxWords: 10 })
    expect(part).toContain('<b>window</b>')
    expect(part.split(' ').length).toBeLessThanOrEqual(10)
    expect(await highlight(test.db, { text, queryText: 'window', maxWords: 0 })).toBe(
      text.replace('window', '<b>window</b>'),
    )
    for (const maxWords of [1, 2, 1000]) {
      expect(await highlight(test.db, { text, queryText: 'window', maxWords })).toContain('<b>window</b>')
    }
    await expectRefusal(
      highlight(test.db, { text, queryText: 'x', maxWords: -1 }),
      InvalidInputError,
      'maxWords',
    )
  })
})
