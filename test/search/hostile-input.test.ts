import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import {
  bm25Score,
  bm25Search,
  forget,
  getMemory,
  hybridSearch,
  InvalidInputError,
  listMemories,
  OpaError,
  recall,
  remember,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { storableText } from '../support/arbitraries.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

const injections = [
  "'; DROP TABLE memory_items; --",
  "' OR '1'='1",
  "x') OR true --",
  '"; DELETE FROM memory_items; --',
  "\\'; SELECT 1; --",
  '$1; DROP TABLE memory_items',
  '$$; DROP TABLE memory_items; $$',
  "E'\\\\'",
  '%s %I %L',
  "{'a'}",
  '{"a":1}',
  '{a,b}',
  "'||pg_sleep(5)||'",
  '*/ DROP TABLE memory_items /*',
  "jsonb '{}'",
  ':1',
  '?',
  '\u02bc; DROP TABLE memory_items',
]
const operators = [
  '&',
  '|',
  '!',
  '<->',
  '<2>',
  ':*',
  ':A',
  '(',
  ')',
  '((',
  '))',
  "'",
  "''",
  '\\',
  '\\\\',
  '"',
  '""',
  '"""',
  '-',
  '--',
  '-"',
  '"-',
  '-"-"',
  '- -',
  'a & b | !c',
  'a <-> b',
  'a:*',
  "'a' & 'b'",
  '!!a',
  '(a',
  'a)',
  'a & ',
  '-a -b -"c',
  '%',
  '_',
  '\u0001',
  'tea\u00011',
  '\u200b',
  '\u202e',
  '\ufeff',
  '＂tea＂',
  '😀',
  '👩‍👩‍👧‍👦',
  'e\u0301',
  '\u{10ffff}',
  '\t\n\r\v\f',
  '-\n"',
]

describeOnEachBackend('hostile input', (test) => {
  beforeAll(async () => {
    const items = ['green tea', 'black coffee', 'שלום עולם', '日本語 テキスト'].map((text, at) => ({
      id: `m${at}`,
      text,
      embedding: embedding(at + 1),
    }))
    await rememberMany(test.db, { items })
  })
  const state = async () =>
    rowsOf(
      await test.db.execute(
        sql`SELECT count(*)::int AS rows, string_agg(id || text || updated_at, ',' ORDER BY id) AS all FROM memory_items`,
      ),
    )[0]

  it.each(injections)('%s does nothing in any argument of a search', async (evil) => {
    const before = await state()
    const queryEmbedding = embedding(1)
    for (const options of [
      { queryText: evil },
      { queryText: `"${evil}" tea -${evil}` },
      { queryText: 'tea', queryTags: [evil] },
      { queryText: 'tea', queryTags: [evil, evil], filter: { allTags: true } },
      {
        queryText: 'tea',
        filter: { namespace: evil, speakerId: evil, ids: [evil], metadata: { [evil]: evil } },
      },
    ]) {
      const filter = { fuzzy: false, ...options.filter }
      expect(Array.isArray(await bm25Search(test.db, { ...options, filter }))).toBe(true)
      expect(Array.isArray(await hybridSearch(test.db, { ...options, queryEmbedding, filter }))).toBe(true)
      expect(Array.isArray(await vectorSearch(test.db, { ...options, queryEmbedding, filter }))).toBe(true)
      expect(
        await bm25Score(test.db, { queryText: options.queryText, docText: evil }),
      ).toBeGreaterThanOrEqual(0)
    }
    const refused = [
      () => bm25Search(test.db, { queryText: 'tea', filter: { [evil]: evil } as never }),
      () => bm25Search(test.db, { queryText: 'tea', filter: { since: evil } }),
      () => bm25Search(test.db, { queryText: 'tea', k: evil as never }),
      () => hybridSearch(test.db, { queryText: 'tea', fusion: evil as never }),
      () => hybridSearch(test.db, { queryText: 'tea', bm25Weight: evil as never }),
      () => bm25Score(test.db, { queryText: 'tea', docText: 'tea', k1: evil as never }),
      () => vectorSearch(test.db, { queryEmbedding: evil as never }),
      () => listMemories(test.db, { after: evil }),
      () => remember(test.db, { text: 'x', createdAt: evil }),
      () => remember(test.db, { text: 'x', importance: evil as never }),
    ]
    for (const attempt of refused) await expectRefusal(attempt, InvalidInputError)
    expect(await getMemory(test.db, { id: evil, namespace: evil })).toBeNull()
    expect(await forget(test.db, { ids: [evil], namespace: evil })).toEqual([])
    expect(await listMemories(test.db, { namespace: evil, speakerId: evil, tags: [evil] })).toEqual({
      items: [],
      next: null,
    })
    expect(await state()).toEqual(before)
  })

  it.each(injections)('%s is kept as what it is', async (evil) => {
    const memory = {
      id: evil,
      namespace: evil,
      text: evil,
      tags: [evil],
      speakerId: evil,
      metadata: { [evil]: [evil] },
    }
    await remember(test.db, memory)
    expect(await getMemory(test.db, { id: evil })).toMatchObject(memory)
    const filter = { namespace: evil, speakerId: evil, ids: [evil], metadata: { [evil]: [evil] } }
    await remember(test.db, { ...memory, embedding: embedding(9) })
    expect(
      idsOf(await vectorSearch(test.db, { queryEmbedding: embedding(9), queryTags: [evil], filter })),
    ).toEqual([evil])
    expect(idsOf((await listMemories(test.db, { namespace: evil, tags: [evil] })).items)).toEqual([evil])
    expect(await forget(test.db, { ids: [evil], namespace: evil })).toEqual([evil])
  })

  it('nothing that a person types is a syntax error', async () => {
    for (const text of [...operators, operators.join(' '), operators.join('')]) {
      for (const queryText of [text, `tea ${text}`, `"${text}"`, `-${text}`, `tea -"${text}" ${text}`]) {
        expect(Array.isArray(await bm25Search(test.db, { queryText, filter: { fuzzy: false } }))).toBe(true)
      }
      expect(Array.isArray(await recall(test.db, { question: text, embedding: embedding(1) }))).toBe(true)
      expect(await bm25Score(test.db, { queryText: text, docText: text })).toBeGreaterThanOrEqual(0)
    }
    expect(idsOf(await bm25Search(test.db, { queryText: 'עולם' }))).toEqual(['m2'])
    expect(idsOf(await bm25Search(test.db, { queryText: 'tea & | ! :* ( <-> \\ % \' "' }))).toEqual(['m0'])
  })

  it('any text is either searched for or refused by an error of this package', async () => {
    const piece = fc
      .oneof(
        fc.constantFrom(...operators, 'tea', '\0', '\ud800'),
        storableText,
        fc.string({ unit: 'binary' }),
      )
      // PGlite drops a byte order mark at the start of a value that it reads.
      .filter((value) => !value.startsWith('\ufeff'))
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        const text = pieces.join('')
        try {
          await bm25Search(test.db, {
            queryText: text,
            queryTags: pieces,
            filter: { fuzzy: false, ids: pieces },
          })
          await remember(test.db, { id: 'fuzz', text: text || ' ', tags: pieces, metadata: { [text]: text } })
          expect(await getMemory(test.db, { id: 'fuzz' })).toMatchObject({ text: text || ' ', tags: pieces })
        } catch (error) {
          if (!(error instanceof OpaError)) throw error
          expect(text).toMatch(/\0|\p{Surrogate}/u)
        }
      }),
      { numRuns: 60 },
    )
    await forget(test.db, { ids: ['fuzz'] })
  })

  it('takes a query of 64 KiB, whatever it is made of, and the database lives on', async () => {
    const words = (count: number, prefix = '') =>
      Array.from({ length: count }, (_, at) => `${prefix}${at.toString(36)}q`).join(' ')
    const cases = {
      'ten thousand words': words(10_500),
      'one word': 'x'.repeat(65_000),
      hyphens: 'a-'.repeat(32_000),
      slashes: '/a'.repeat(32_000),
      addresses: 'a.b@'.repeat(16_000),
      'open quotes': '"'.repeat(9001),
      minuses: '-'.repeat(65_000),
      'a thousand exclusions': words(999, '-'),
      'a phrase of a thousand words': `"${words(999)}"`,
    }
    for (const [name, queryText] of Object.entries(cases)) {
      const results = await bm25Search(test.db, { queryText: `tea ${queryText}`, filter: { fuzzy: false } })
      expect(idsOf(results), name).toEqual(name.includes('phrase') ? [] : ['m0'])
    }
    for (const queryText of [words(1001, '-'), `"${words(1001)}"`, `"${'tea '.repeat(10_000)}"`]) {
      await expectRefusal(
        bm25Search(test.db, { queryText }),
        InvalidInputError,
        'at most 1000 words',
        /got \d{4,5}/,
      )
    }
    expect(idsOf(await bm25Search(test.db, { queryText: 'tea' }))).toEqual(['m0'])
  })

  it('keeps texts of 64 KiB, whatever they are made of', async () => {
    for (const text of [
      '😀'.repeat(16_384),
      'a-'.repeat(32_768),
      `${'ab '.repeat(21_845)}c`,
      '/a.b@c'.repeat(10_000),
    ]) {
      const { id } = await remember(test.db, { text })
      expect((await getMemory(test.db, { id }))?.text).toBe(text)
      await forget(test.db, { ids: [id] })
    }
  })
})
