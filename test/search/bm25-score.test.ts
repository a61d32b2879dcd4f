import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { bm25Score, bm25Search, InvalidInputError, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('bm25_score', (test) => {
  beforeEach(async () => {
    await clearMemories(test.db)
    const texts = ['green tea in the morning', 'black coffee', 'coffee with the green cup']
    await rememberMany(test.db, { items: texts.map((text) => ({ text })) })
  })
  const score = (queryText: string, docText: string, options = {}) =>
    bm25Score(test.db, { queryText, docText, ...options })

  it('is what bm25_search gives a row with that text', async () => {
    const results = await bm25Search(test.db, { queryText: 'green coffee' })
    expect(results).toHaveLength(3)
    for (const row of results) expect(await score('green coffee', row.text)).toBeCloseTo(row.score, 12)
  })

  it('is computed by hand', async () => {
    // N = 3, df(coffee) = 2, average length = (3 + 2 + 3) / 3
    const idf = Math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expect(await score('coffee', 'coffee')).toBeCloseTo((idf * 2.2) / (1 + 1.2 * (0.25 + (0.75 * 3) / 8)), 12)
    expect(await score('coffee', 'coffee', { k1: 0, b: 1 })).toBeCloseTo(idf, 12)
    // What the query says twice counts twice.
    expect(await score('coffee Coffee', 'coffee', { k1: 0, b: 1 })).toBeCloseTo(2 * idf, 12)
    expect(await score('coffee', 'coffee coffee', { k1: 2, b: 0 })).toBeCloseTo((idf * 2 * 3) / 4, 12)
  })

  it('is 0 without a shared word, for a phrase not met, and for an exclusion', async () => {
    expect(await score('tea', 'coffee')).toBe(0)
    expect(await score('', 'coffee')).toBe(0)
    expect(await score('the', 'the')).toBe(0)
    expect(await score('coffee', '')).toBe(0)
    expect(await score('"coffee black"', 'black coffee')).toBe(0)
    expect(await score('"black coffee"', 'black coffee')).toBeGreaterThan(0)
    expect(await score('coffee -black', 'black coffee')).toBe(0)
    expect(await score('coffee -green', 'black coffee')).toBeGreaterThan(0)
  })

  it('corrects no typing errors', async () => {
    expect(await score('cofee', 'black coffee')).toBe(0)
    expect(await score('cofee', 'cofee')).toBeGreaterThan(0)
  })

  it("takes the average length of an empty corpus to be the text's own", async () => {
    await clearMemories(test.db)
    // N = 0 and df = 0: idf = ln(1 + 0.5 / 0.5)
    expect(await score('coffee', 'black coffee')).toBeCloseTo(Math.LN2, 12)
    await rememberMany(test.db, { items: [{ text: 'the' }] })
    expect(await score('coffee', 'black coffee')).toBeCloseTo(Math.log(1 + 1.5 / 0.5), 12)
  })

  it('is called by position and by name', async () => {
    const rows = rowsOf(
      await test.db.execute(sql`
        SELECT bm25_score('coffee', 'black coffee') AS a, bm25_score('coffee', 'black coffee', 1.2, 0.75) AS b,
          bm25_score(doc_text => 'black coffee', query_text => 'coffee', b => 0.75) AS c
      `),
    )
    expect(rows[0]?.a).toBeGreaterThan(0)
    expect(rows[0]?.b).toBe(rows[0]?.a)
    expect(rows[0]?.c).toBe(rows[0]?.a)
  })

  it('refuses a text that has more words than a tsvector holds', async () => {
    const docText = Array.from({ length: 200_000 }, (_, at) => `w${at}`).join(' ')
    await expectRefusal(score('coffee', docText), InvalidInputError, 'too long')
  })

  it.each([
    [{ k1: -1 }, ['k1', '-1']],
    [{ k1: Number.NaN }, ['k1', 'NaN']],
    [{ k1: Number.POSITIVE_INFINITY }, ['k1', 'Infinity']],
    [{ b: -0.1 }, ['b must be from 0 to 1', '-0.1']],
    [{ b: 1.1 }, ['b must be from 0 to 1', '1.1']],
    [{ b: Number.NaN }, ['b must be from 0 to 1', 'NaN']],
    [{ docText: null }, ['docText', 'null']],
    [{ queryText: 5 }, ['queryText', 'number']],
    [{ docText: 'a\0' }, ['docText', 'NUL']],
  ])('refuses %o', async (wrong, parts) => {
    const options = { queryText: 'coffee', docText: 'coffee', ...wrong } as never
    await expectRefusal(bm25Score(test.db, options), InvalidInputError, ...parts)
  })
})
