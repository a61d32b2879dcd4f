import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import {
  bm25Search,
  hybridSearch,
  InvalidInputError,
  rememberMany,
  type SearchFilter,
  type SearchOptions,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('tags and filters of the searches', (test) => {
  beforeAll(async () => {
    const common = { text: 'coffee', embedding: embedding(1) }
    await rememberMany(test.db, {
      items: [
        {
          ...common,
          id: 'a',
          namespace: 'ana',
          speakerId: 's1',
          tags: ['work', 'a,b'],
          createdAt: '2024-01-01T00:00:00Z',
        },
        {
          ...common,
          id: 'b',
          namespace: 'bob',
          speakerId: 's2',
          tags: ['home'],
          createdAt: '2024-01-02T00:00:00.000001Z',
        },
        {
          ...common,
          id: 'c',
          tags: ['work', 'home'],
          metadata: { kind: 'note', deep: { list: [1, 2] } },
          createdAt: '2024-01-03T00:00:00+02:00',
        },
        { ...common, id: 'd\'\\"', tags: [], metadata: { kind: 'fact' }, createdAt: '2024-01-04T00:00:00Z' },
        { ...common, id: 'expired', tags: ['work'], expiresAt: '2024-01-01T00:00:00Z' },
        {
          ...common,
          id: 'later',
          tags: ['later'],
          expiresAt: '2999-01-01T00:00:00Z',
          createdAt: '2024-02-01T00:00:00Z',
        },
      ],
    })
  })

  /** The ids that all three searches agree on. */
  const found = async (options: SearchOptions): Promise<string[]> => {
    const keyword = idsOf(await bm25Search(test.db, { queryText: 'coffee', ...options }))
    const vector = idsOf(await vectorSearch(test.db, { queryEmbedding: embedding(1), ...options }))
    const hybrid = idsOf(
      await hybridSearch(test.db, { queryText: 'coffee', queryEmbedding: embedding(1), ...options }),
    )
    expect(vector).toEqual(keyword)
    expect(hybrid).toEqual(keyword)
    return keyword
  }

  it('never finds an expired memory', async () => {
    expect(await found({})).toEqual(['a', 'b', 'c', 'd\'\\"', 'later'])
    expect(await found({ filter: { ids: ['expired'] } })).toEqual([])
  })

  it('takes rows with any of the tags, or with all_tags all of them', async () => {
    expect(await found({ queryTags: ['work'] })).toEqual(['a', 'c'])
    expect(await found({ queryTags: ['work', 'home'] })).toEqual(['a', 'b', 'c'])
    expect(await found({ queryTags: ['work', 'home'], filter: { allTags: true } })).toEqual(['c'])
    expect(await found({ queryTags: ['work', 'home'], filter: { allTags: false } })).toEqual(['a', 'b', 'c'])
    expect(await found({ queryTags: ['a,b'] })).toEqual(['a'])
    expect(await found({ queryTags: ['a'] })).toEqual([])
    expect(await found({ queryTags: [], filter: { allTags: true } })).toHaveLength(5)
  })

  it.each<[SearchFilter, string[]]>([
    [{ namespace: 'ana' }, ['a']],
    [{ namespace: 'default' }, ['c', 'd\'\\"', 'later']],
    [{ namespace: 'ANA' }, []],
    [{ namespace: 'nobody' }, []],
    [{ speakerId: 's2' }, ['b']],
    [{ namespace: 'ana', speakerId: 's2' }, []],
    [{ since: '2024-01-02T00:00:00.000001Z' }, ['b', 'c', 'd\'\\"', 'later']],
    [{ until: '2024-01-02T00:00:00.000001Z' }, ['a']],
    [{ since: new Date('2024-01-02T22:00:00Z'), until: new Date('2024-01-04T00:00:00Z') }, ['c']],
    [{ since: '2024-01-04T02:00:00+02:00' }, ['d\'\\"', 'later']],
    [{ metadata: { kind: 'note' } }, ['c']],
    [{ metadata: { deep: { list: [2] } } }, ['c']],
    [{ metadata: {} }, ['a', 'b', 'c', 'd\'\\"', 'later']],
    [{ metadata: { kind: null } }, []],
    [{ ids: ['d\'\\"', 'a', 'nobody', 'a'] }, ['a', 'd\'\\"']],
    [{ ids: [] }, []],
    [{ fuzzy: false }, ['a', 'b', 'c', 'd\'\\"', 'later']],
  ])('%o finds %o', async (filter, expected) => {
    expect(await found({ filter })).toEqual(expected)
  })

  it.each([
    [{ namespace: 5 }, ['filter.namespace must be a string', 'number 5']],
    [{ namespace: null }, ['filter.namespace must be a string', 'null']],
    [{ speakerId: ['s1'] }, ['filter.speakerId must be a string', 'array']],
    [{ allTags: 'true' }, ['filter.allTags must be a boolean', 'string "true"']],
    [{ allTags: null }, ['filter.allTags', 'null']],
    [{ fuzzy: 0 }, ['filter.fuzzy must be a boolean', 'number 0']],
    [{ since: 0 }, ['filter.since must be a string', 'number 0']],
    [{ since: 'yesterday' }, ['filter.since', 'ISO 8601', '"yesterday"']],
    [{ since: 'infinity' }, ['filter.since', 'ISO 8601']],
    [{ until: '2024-02-31T00:00:00Z' }, ['filter.until', 'ISO 8601', '2024-02-31']],
    [{ until: '2024-01-01T25:00:00Z' }, ['filter.until', 'ISO 8601']],
    [{ until: '2024-01-01; DROP TABLE memory_items' }, ['filter.until', 'ISO 8601']],
    [{ until: new Date(Number.NaN) }, ['filter.until', 'null']],
    [{ metadata: [1] }, ['filter.metadata must be an object', 'array']],
    [{ metadata: 'kind' }, ['filter.metadata must be an object', 'string']],
    [{ ids: 'a' }, ['filter.ids must be an array of strings', 'string "a"']],
    [{ ids: ['a', 5] }, ['filter.ids must be an array of strings', '5']],
    [{ ids: [null] }, ['filter.ids must be an array of strings', 'null']],
    [{ ids: [['a']] }, ['filter.ids must be an array of strings', '[["a"]]']],
    [{ ids: { a: 1 } }, ['filter.ids must be an array of strings', 'object']],
    [{ namspace: 'ana' }, ['"namspace"', 'namespace', 'speaker_id']],
    [{ constructor: 'x' }, ['"constructor"']],
    [{ "x' OR true --": 1 }, ['"x\' OR true --"']],
    [JSON.parse('{"__proto__": 1}'), ['"__proto__"']],
    [[], ['filter must be an object', 'array']],
    [[1], ['filter must be an object', 'array']],
    [null, ['filter must be an object', 'null']],
    ['{}', ['filter must be an object', 'string']],
    [{ metadata: { a: 1n } }, ['filter', 'BigInt']],
    [{ namespace: 'a\0' }, ['filter', 'NUL']],
    [{ metadata: { '\udfff': 1 } }, ['filter', '\\udfff']],
  ])('every search refuses %o', async (wrong, parts) => {
    const options = { queryText: 'coffee', queryEmbedding: embedding(1), filter: wrong as never }
    for (const search of [bm25Search, vectorSearch, hybridSearch]) {
      await expectRefusal(() => search(test.db, options), InvalidInputError, ...parts)
    }
  })

  it.each<[unknown, string, string]>([
    ['coffee', 'queryTags must be an array', 'string'],
    [null, 'queryTags must be an array', 'null'],
    [['a', null], 'queryTags[1]', 'null'],
    [new Array(1), 'queryTags[0]', 'undefined'],
    [['a\0'], 'queryTags[0]', 'NUL'],
    [['\ud800'], 'queryTags[0]', 'surrogate'],
  ])('every search refuses the tags %o', async (queryTags, ...parts) => {
    const options = { queryText: 'coffee', queryEmbedding: embedding(1), queryTags: queryTags as never }
    for (const search of [bm25Search, vectorSearch, hybridSearch]) {
      await expectRefusal(() => search(test.db, options), InvalidInputError, ...parts)
    }
  })

  it('checks the same in SQL', async () => {
    const refused = (args: string, message: string) =>
      expect(test.db.execute(sql.raw(`SELECT * FROM bm25_search('coffee', ${args})`))).rejects.toMatchObject({
        cause: { message: expect.stringContaining(message) },
      })
    await refused(`filter => '[]'`, 'filter must be a JSON object, got array')
    await refused(`filter => '"x"'`, 'filter must be a JSON object, got string')
    await refused(`filter => 'null'`, 'filter must be a JSON object, got null')
    await refused(`filter => '{"namespace": null}'`, 'filter.namespace must be a string, got null')
    await refused(`filter => '{"Namespace": "ana"}'`, 'filter has the key "Namespace"')
    await refused(`filter => '{"ids": [["a"]]}'`, 'filter.ids must be an array of strings')
    await refused(`query_tags => '{NULL}'`, 'query_tags must be strings, got a null')
  })
})
