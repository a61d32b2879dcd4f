import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, explainSearch, remember, type SearchFilter } from '../../src/index.ts'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { exhaustiveSearch, expectSameBest, insertRows } from '../support/search-statistics.ts'
import { zipfQuery, zipfRows, zipfWord } from '../support/zipf-corpus.ts'

const rows = 6000
const common = [0, 1, 2, 3].map(zipfWord)

describeOnEachBackend('bm25_search where it does not read every match', (test) => {
  const corpus = zipfRows(rows).map((row, at) => (at % 2 === 0 ? row : { ...row, namespace: 'odd' }))
  const tagsOf = new Map(corpus.map(({ id, tags }) => [id, tags]))

  beforeAll(async () => {
    await insertRows(test.db, corpus)
    await test.db.execute(sql`ANALYZE memory_items`)
  })

  /** The exhaustive query is asked once, for every row: tags narrow a result and change no score. */
  const same = async (queryText: string, ks: number[], tagLists: string[][] = [[]]) => {
    const best = await exhaustiveSearch(test.db, { queryText, k: rows })
    for (const tags of tagLists) {
      const passing = best.filter(({ id }) => tags.every((tag) => tagsOf.get(id)?.includes(tag)))
      for (const k of ks) {
        const found = await bm25Search(test.db, { queryText, k, queryTags: tags, filter: { fuzzy: false } })
        expectSameBest(found, passing.slice(0, k))
      }
    }
  }

  it('takes the threshold for common words and reads a part of the matches', async () => {
    const { path, rounds, lexemes } = await explainSearch(test.db, { queryText: common.join(' '), k: 10 })
    expect(path).toBe('threshold')
    const matches = Math.max(...lexemes.map((lexeme) => lexeme.documentFrequency))
    expect(rounds.at(-1)?.candidates).toBeLessThan(matches / 2)
  })

  it('reads by the indexes that spare most: a wide filter row by row, a narrow one by its own index', async () => {
    const access = async (...queryTags: string[]) =>
      (await explainSearch(test.db, { queryText: common.join(' '), queryTags, filter: { fuzzy: false } }))
        .access
    expect(await access()).toBe('search')
    expect(await access('p50')).toBe('search')
    expect(await access('p5')).toBe('filter')
    expect(await access('p01')).toBe('filter')
    // Two words, so that the search index has less to read than the filter's.
    const { access: ofFew } = await explainSearch(test.db, {
      queryText: `${zipfWord(30)} ${zipfWord(40)}`,
      queryTags: ['p5'],
      filter: { fuzzy: false },
    })
    expect(ofFew).toBe('both')
  })

  it('keeps to tags and a namespace together, whichever index reads them', async () => {
    for (const tags of [[], ['p50'], ['p5'], ['p01']]) {
      for (const queryText of [common.join(' '), common[1] as string]) {
        const found = await bm25Search(test.db, { queryText, queryTags: tags, filter: { namespace: 'odd' } })
        expectSameBest(
          found,
          await exhaustiveSearch(test.db, { queryText, tags, k: 10, condition: sql`m.namespace = 'odd'` }),
        )
      }
    }
  })

  it('finds what the exhaustive query finds, for any number of words and results, with and without tags', async () => {
    const random = seededRandom(7)
    for (const words of [1, 2, 3, 3, 5, 9, 15, 60]) {
      const queryText = zipfQuery(words, random)
      await same(queryText, [1, 10, 100], [[], ['p50'], ['p5'], ['p01']])
    }
  }, 240_000)

  it('does so for k up to 1000, the commonest words alone, repeated words and words that nobody wrote', async () => {
    for (const queryText of [
      ...common,
      common.join(' '),
      `${common[0]} ${common[0]} ${common[0]} ${zipfWord(2000)}`,
      `neverwritten ${common[1]} alsonot`,
      Array.from({ length: 300 }, (_, at) => zipfWord(at)).join(' '),
    ]) {
      await same(queryText, [1, 10, 1000])
    }
  }, 120_000)

  it('keeps to phrases, exclusions and every filter', async () => {
    const [one, two, three] = common as [string, string, string]
    const held = (query: string) => sql`to_tsvector('pg_catalog.english', m.text) @@ ${query}::tsquery`
    const asked: { text: string; words: string; condition: ReturnType<typeof sql>; filter?: SearchFilter }[] =
      [
        {
          text: `"${one} ${two}" ${three}`,
          words: common.slice(0, 3).join(' '),
          condition: held(`${one} <-> ${two}`),
        },
        { text: `${one} ${two} -${three}`, words: `${one} ${two}`, condition: held(`!${three}`) },
        {
          text: `${one} ${two} -"${two} ${three}"`,
          words: `${one} ${two}`,
          condition: held(`!(${two} <-> ${three})`),
        },
        {
          text: `${one} ${three}`,
          words: `${one} ${three}`,
          filter: { ids: ['z1', 'z2', 'z30', 'z4000'] },
          condition: sql`m.id IN ('z1', 'z2', 'z30', 'z4000')`,
        },
        {
          text: `${one} ${three}`,
          words: `${one} ${three}`,
          filter: { namespace: 'default' },
          condition: sql`m.namespace = 'default'`,
        },
        {
          text: `${one} ${three}`,
          words: `${one} ${three}`,
          filter: { since: '2999-01-01T00:00:00Z' },
          condition: sql`false`,
        },
      ]
    for (const { text, words, condition, filter } of asked) {
      const best = await exhaustiveSearch(test.db, { queryText: words, k: 200, condition })
      for (const k of [5, 200]) {
        const found = await bm25Search(test.db, { queryText: text, k, filter: { ...filter, fuzzy: false } })
        expectSameBest(found, best.slice(0, k))
      }
    }
  })

  it('breaks ties by the bytes of the id, wherever k cuts them', async () => {
    await test.db.execute(sql`
      INSERT INTO memory_items (id, text)
      SELECT CASE WHEN n % 2 = 0 THEN 'T' ELSE 't' END || n, ${`${common[0]} ${common[0]} ${common[0]}`} FROM generate_series(1, 700) AS n
    `)
    const all = await bm25Search(test.db, { queryText: common[0] as string, k: 1000 })
    for (const k of [1, 2, 99, 700]) {
      expect(await bm25Search(test.db, { queryText: common[0] as string, k })).toEqual(all.slice(0, k))
    }
    await test.db.execute(sql`DELETE FROM memory_items WHERE id ^@ 'T' OR id ^@ 't'`)
  })

  it('is exact with texts of 64 KiB among the others, which move the average length', async () => {
    const long = `${common[0]} ${common[1]} ${zipfWord(50)} `
    for (let at = 0; at < 20; at++) {
      await remember(test.db, { id: `long${at}`, text: (long.repeat(4000) + zipfWord(at)).slice(0, 65_536) })
    }
    const random = seededRandom(9)
    for (const words of [1, 2, 4, 10]) await same(zipfQuery(words, random), [10])
    await same(common.join(' '), [100])
  })

  it('is exact for a corpus of one row and for an empty one', async () => {
    await test.db.execute(sql`DELETE FROM memory_items WHERE id <> 'z7'`)
    const [row] = await queryRows(test.db, sql`SELECT text FROM memory_items`)
    await same(String(row?.text), [10])
    await test.db.execute(sql`DELETE FROM memory_items`)
    expect(await bm25Search(test.db, { queryText: common.join(' ') })).toEqual([])
    await test.db.execute(sql`TRUNCATE memory_items`)
    expect(await explainSearch(test.db, { queryText: common.join(' ') })).toMatchObject({
      path: 'no match',
      documents: 0,
      results: [],
    })
  })
})

describeOnServer('the plans of a keyword search', (server) => {
  const nodes = async (statement: ReturnType<typeof sql>) => {
    const lines = await queryRows(server.db, sql`EXPLAIN ${statement}`)
    return lines.map((line) => Object.values(line).join()).join('\n')
  }

  it('use the GIN index, and the index of the statistics', async () => {
    await insertRows(server.db, zipfRows(5000, { seed: 11, vocabulary: 100_000 }))
    await server.db.execute(sql`ANALYZE`)
    await server.db.execute(sql`SET enable_seqscan = off`)
    expect(
      await nodes(
        sql`SELECT id FROM memory_items AS m WHERE m.search_vector @@ ANY (ARRAY['a'::tsquery, 'b & c'])`,
      ),
    ).toMatch(/Bitmap Index Scan on memory_items_search_vector_idx/)
    expect(await nodes(sql`SELECT FROM search_vocabulary WHERE is_trigram_similar(lexeme, 'abcd')`)).toMatch(
      /search_vocabulary_lexeme_idx/,
    )
  })

  it('read few blocks of the table and of the statistics', async () => {
    const before = await scans()
    for (let at = 0; at < 20; at++) await bm25Search(server.db, { queryText: `${common[0]} ${common[2]}` })
    await server.db.execute(sql`SELECT pg_stat_force_next_flush()`)
    const after = await scans()
    expect(after.memory_items).toBe(before.memory_items)
    expect(after.search_lexemes).toBe(before.search_lexemes)
  })

  async function scans(): Promise<Record<string, unknown>> {
    const rows = await queryRows(
      server.db,
      sql`SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('memory_items', 'search_lexemes')`,
    )
    return Object.fromEntries(rows.map((row) => [row.relname, row.seq_scan]))
  }
})
