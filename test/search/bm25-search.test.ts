import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { bm25Search, InvalidInputError, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, expectRefusal, idsOf } from '../support/fixtures.ts'

const memories = {
  window: 'Ana prefers window seats on long flights',
  aisle: 'Bob prefers aisle seats',
  coffee: 'Ana drinks coffee, black coffee, every morning',
  tea: 'Bob drinks green tea in the morning',
  cluster: 'The kubernetes cluster was upgraded on Monday',
  art: 'a state-of-the-art espresso machine',
  stop: 'the of and',
}

describeOnEachBackend('bm25_search', (test) => {
  beforeAll(async () => {
    const items = Object.entries(memories).map(([id, text]) => ({
      id,
      text,
      tags: [id],
      createdAt: '2024-01-31T10:00:00.5Z',
    }))
    await rememberMany(test.db, { items })
  })
  const found = async (queryText: string, options = {}) =>
    idsOf(await bm25Search(test.db, { queryText, ...options })).sort()

  it('gives id, text, tags, date and a score above 0, best first', async () => {
    const [first, ...rest] = await bm25Search(test.db, { queryText: 'window seat' })
    expect(first).toEqual({
      id: 'window',
      text: memories.window,
      tags: ['window'],
      createdAt: new Date('2024-01-31T10:00:00.500Z'),
      score: expect.any(Number),
    })
    expect(idsOf(rest)).toEqual(['aisle'])
    expect(rest[0]?.score).toBeGreaterThan(0)
    expect(first?.score).toBeGreaterThan(rest[0]?.score ?? 0)
  })

  it('finds words by their stem, in any case, all of them optional', async () => {
    expect(await found('SEATING flight')).toEqual(['aisle', 'window'])
    expect(await found('drinking mornings')).toEqual(['coffee', 'tea'])
  })

  it('finds nothing for stop words, blanks and words that nobody wrote', async () => {
    for (const text of [
      '',
      ' ',
      '\n\t',
      'the',
      'the of and',
      '!?',
      '"',
      '""',
      '-',
      '--',
      '-""',
      '" - "',
      '()',
    ]) {
      expect(await bm25Search(test.db, { queryText: text })).toEqual([])
    }
    expect(await found('zzzqqq', { filter: { fuzzy: false } })).toEqual([])
  })

  it('wants a phrase to occur, word by word', async () => {
    expect(await found('"window seats"')).toEqual(['window'])
    expect(await found('"seats window"')).toEqual([])
    expect(await found('"ANA DRINKING" tea')).toEqual(['coffee'])
    expect(await found('"drinks green" "in the morning"')).toEqual(['tea'])
    expect(await found('"state-of-the-art"')).toEqual(['art'])
    // An unclosed quote is plain text, and so is a phrase of stop words.
    expect(await found('"seats')).toEqual(['aisle', 'window'])
    expect(await found('seats "the"')).toEqual(['aisle', 'window'])
  })

  it('leaves out what has an excluded word or phrase', async () => {
    expect(await found('seats -window')).toEqual(['aisle'])
    expect(await found('morning -"black coffee"')).toEqual(['tea'])
    expect(await found('morning -"morning coffee"')).toEqual(['coffee', 'tea'])
    expect(await found('-seats -flights morning')).toEqual(['coffee', 'tea'])
    expect(await found('-seats')).toEqual([])
    expect(await found('seats -the -')).toEqual(['aisle', 'window'])
    // A minus inside a word, or before a blank, excludes nothing.
    expect(await found('state-of-the-art')).toEqual(['art'])
    expect(await found('seats - window')).toEqual(['aisle', 'window'])
  })

  it('replaces a word that nobody wrote by the nearest one, unless fuzzy is false', async () => {
    expect(await found('kuberrnetes')).toEqual(['cluster'])
    expect(await found('kuberrnetes', { filter: { fuzzy: false } })).toEqual([])
    expect(await found('kuberrnetes', { filter: { fuzzy: true } })).toEqual(['cluster'])
    expect(await found('kuberrnetes -cluster')).toEqual([])
    // A word that somebody wrote stays what it is, and a phrase must occur as it is written.
    expect(await found('tea')).toEqual(['tea'])
    expect(await found('"kuberrnetes"')).toEqual([])
  })

  it('breaks ties by the bytes of the id, also where k cuts them off', async () => {
    const tied = ['tie10', 'tie9', 'tieB', 'tiea', 'tieä', 'tie\uffee', 'tie😀']
    await rememberMany(test.db, { items: tied.map((id) => ({ id, text: 'identical zebra' })).reverse() })
    const results = await bm25Search(test.db, { queryText: 'zebra' })
    expect(idsOf(results)).toEqual(tied)
    expect(new Set(results.map((row) => row.score)).size).toBe(1)
    for (const k of [1, 3, 6]) {
      expect(idsOf(await bm25Search(test.db, { queryText: 'zebra', k }))).toEqual(tied.slice(0, k))
    }
  })

  it('counts all rows in its statistics, whatever the filter and who may be found', async () => {
    const [all] = await bm25Search(test.db, { queryText: 'window' })
    const [narrowed] = await bm25Search(test.db, {
      queryText: 'window',
      queryTags: ['window'],
      filter: { ids: ['window'] },
    })
    expect(narrowed).toEqual(all)
  })

  it('is called by position and by name, with its defaults', async () => {
    const calls = [
      sql`SELECT * FROM bm25_search('window seat')`,
      sql`SELECT * FROM bm25_search('window seat', '{}', 10, '{}')`,
      sql`SELECT * FROM bm25_search('window seat', NULL, 10, NULL)`,
      sql`SELECT * FROM bm25_search(query_text => 'window seat', k => 10)`,
      sql`SELECT * FROM bm25_search(filter => '{}', k => 10, query_tags => '{}', query_text => 'window seat')`,
    ]
    for (const call of calls) {
      const rows = rowsOf(await test.db.execute(call))
      expect(rows.map((row) => row.id)).toEqual(['window', 'aisle'])
      expect(Object.keys(rows[0] ?? {})).toEqual(['id', 'text', 'tags', 'created_at', 'score'])
    }
  })

  it('sees what the transaction around it wrote', async () => {
    await test.db
      .transaction(async (transaction) => {
        await rememberMany(transaction, { items: [{ id: 'new', text: 'an unheard giraffe' }] })
        expect(idsOf(await bm25Search(transaction, { queryText: 'giraffe' }))).toEqual(['new'])
        transaction.rollback()
      })
      .catch((error: Error) => expect(error.message).toBe('Rollback'))
    expect(await found('giraffe', { filter: { fuzzy: false } })).toEqual([])
  })

  it('takes k from 1 to 1000 and refuses any other', async () => {
    expect(await bm25Search(test.db, { queryText: 'seats', k: 1 })).toHaveLength(1)
    expect(await bm25Search(test.db, { queryText: 'seats', k: 1000 })).toHaveLength(2)
    for (const k of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, '5']) {
      const attempt = bm25Search(test.db, { queryText: 'seats', k: k as number })
      await expectRefusal(attempt, InvalidInputError, 'k must be', '1 to 1000', String(k))
    }
    for (const k of ['0', '-1', '1001', 'NULL', '2147483647']) {
      await expect(
        test.db.execute(sql.raw(`SELECT * FROM bm25_search('seats', k => ${k})`)),
      ).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/bm25_search: k must be from 1 to 1000, got (-?\d+|null)/) },
      })
    }
  })

  it('refuses a query text that is none', async () => {
    await expectRefusal(
      bm25Search(test.db, { queryText: null as never }),
      InvalidInputError,
      'queryText',
      'null',
    )
    await expect(test.db.execute(sql`SELECT * FROM bm25_search(NULL)`)).rejects.toMatchObject({
      cause: { code: '22004', message: 'bm25_search: query_text must be text, got null' },
    })
    const long = 'x'.repeat(65_537)
    await expectRefusal(bm25Search(test.db, { queryText: long }), InvalidInputError, '65536', '65537')
  })

  it('finds nothing in an empty table, and the only row of another', async () => {
    await clearMemories(test.db)
    expect(await found('window')).toEqual([])
    await rememberMany(test.db, { items: [{ id: 'stop', text: 'the' }] })
    expect(await found('window')).toEqual([])
    await rememberMany(test.db, { items: [{ id: 'only', text: 'window' }] })
    expect(await found('window')).toEqual(['only'])
  })
})
