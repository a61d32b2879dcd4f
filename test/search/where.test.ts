import { beforeAll, expect, it } from 'vitest'
import {
  bm25Search,
  countMemories,
  getMemories,
  hybridSearch,
  InvalidInputError,
  listMemories,
  rememberMany,
  type SearchFilter,
  vectorSearch,
  type Where,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('filter.where', (test) => {
  const day = (number: number) => new Date(Date.UTC(2024, 0, number))
  const hostile = `'); DROP TABLE jobs; -- "{}" $2 %s`

  beforeAll(async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'a', metadata: { level: 1, kind: 'note', trip: { city: 'Oslo', days: [1, 2] }, 'a.b': true } },
        { id: 'b', metadata: { level: 2, kind: 'note', trip: { city: 'Rome' } }, tags: ['work', 'x'] },
        {
          id: 'c',
          metadata: { level: '3', kind: null, list: [{ n: 1 }, 'y'] },
          tags: ['work'],
          importance: 0.9,
        },
        { id: 'd', metadata: { level: 10.5, [hostile]: hostile }, speakerId: hostile, tags: [hostile] },
        {
          id: 'e',
          speakerId: 'ana',
          importance: 0.1,
          expiresAt: new Date('2999-01-01'),
          namespace: 'users/ana',
        },
        { id: 'f', speakerId: 'bob', namespace: 'users/ana/trips', metadata: { level: -1 } },
        { id: 'g', namespace: 'users/anabel', metadata: { level: 1 } },
      ].map((item, at) => ({
        text: `coffee ${item.id}`,
        embedding: embedding(at + 1),
        createdAt: day(at + 1),
        ...item,
      })),
    })
  })

  /** The ids that each of the searches, the list and the count find: they must agree. */
  async function matching(filter: SearchFilter): Promise<string> {
    const queryEmbedding = embedding(3)
    const found = [
      await bm25Search(test.db, { queryText: 'coffee', k: 100, filter }),
      await vectorSearch(test.db, { queryEmbedding, k: 100, filter }),
      await hybridSearch(test.db, { queryText: 'coffee', queryEmbedding, k: 100, filter }),
      (await listMemories(test.db, { filter })).items,
    ].map((rows) => idsOf(rows).sort().join(''))
    expect(new Set(found).size, JSON.stringify(found)).toBe(1)
    expect(await countMemories(test.db, { filter })).toBe(found[0]?.length)
    return found[0] as string
  }

  const cases: [Where, string][] = [
    [{ 'metadata.level': { eq: 1 } }, 'ag'],
    [{ 'metadata.level': { ne: 1 } }, 'bcdef'],
    [{ 'metadata.level': { gt: 1 } }, 'bd'],
    [{ 'metadata.level': { gte: 1, lt: 10.5 } }, 'abg'],
    [{ 'metadata.level': { lte: 1 } }, 'afg'],
    [{ 'metadata.level': { gte: '2' } }, 'c'],
    [{ 'metadata.level': { in: [1, '3'] } }, 'acg'],
    [{ 'metadata.level': { in: [] } }, ''],
    [{ 'metadata.level': { notIn: [1, '3'] } }, 'bdef'],
    [{ 'metadata.level': { notIn: [] } }, 'abcdefg'],
    [{ 'metadata.level': { exists: false } }, 'e'],
    [{ 'metadata.kind': { eq: null } }, 'c'],
    [{ 'metadata.kind': { exists: true } }, 'abc'],
    [{ 'metadata.trip.city': { eq: 'Oslo' } }, 'a'],
    [{ 'metadata.trip': { eq: { city: 'Rome' } } }, 'b'],
    [{ 'metadata.trip': { contains: { city: 'Oslo' } } }, 'a'],
    [{ 'metadata.trip.days': { contains: 2 } }, 'a'],
    [{ 'metadata.trip.days.1': { eq: 2 } }, 'a'],
    [{ 'metadata.list.0.n': { gte: 1 } }, 'c'],
    [{ path: ['a.b'], eq: true }, 'a'],
    [{ path: ['trip', 'city'], in: ['Rome', 'Oslo'] }, 'ab'],
    [{ path: [hostile], eq: hostile }, 'd'],
    [{ tags: { any: ['x', 'nothing'] } }, 'b'],
    [{ tags: { all: ['work', 'x'] } }, 'b'],
    [{ tags: { none: ['x'] } }, 'acdefg'],
    [{ tags: { any: [] } }, ''],
    [{ tags: { all: [], none: [] } }, 'abcdefg'],
    [{ tags: { any: [hostile] } }, 'd'],
    [{ speakerId: { eq: hostile } }, 'd'],
    [{ speakerId: { ne: 'ana' } }, 'abcdfg'],
    [{ speakerId: { in: ['ana', 'bob'] } }, 'ef'],
    [{ speakerId: { notIn: ['ana'] } }, 'abcdfg'],
    [{ speakerId: { exists: true } }, 'def'],
    [{ speakerId: { gte: 'b' } }, 'f'],
    [{ importance: { gte: 0.9 } }, 'c'],
    [{ importance: { eq: 0.1 } }, 'e'],
    [{ importance: { in: [0.1, 0.9] } }, 'ce'],
    [{ createdAt: { gt: day(5) } }, 'fg'],
    [{ createdAt: { in: [day(1), '2024-01-02T00:00:00Z'] } }, 'ab'],
    [{ expiresAt: { exists: true } }, 'e'],
    [{ expiresAt: { lt: '2000-01-01T00:00:00Z' } }, ''],
    [{ namespace: { in: ['users/ana', 'default'] } }, 'abcde'],
    [{ id: { in: ['a', 'zzz'] } }, 'a'],
    [{ documentId: { exists: true } }, ''],
    [{ or: [{ 'metadata.level': { eq: 1 } }, { importance: { gt: 0.8 } }] }, 'acg'],
    [{ and: [{ 'metadata.level': { eq: 1 } }, { namespace: { eq: 'default' } }] }, 'a'],
    [{ not: { 'metadata.level': { gt: 1 } } }, 'acefg'],
    [{ not: { not: { tags: { any: ['work'] } } } }, 'bc'],
    [
      { or: [{ not: { speakerId: { exists: true } } }, { id: { eq: 'e' } }], importance: { lt: 0.6 } },
      'abeg',
    ],
  ]
  it.each(cases)('%j finds %s', async (where, expected) => {
    expect(await matching({ where })).toBe(expected)
    const rest = [...'abcdefg'].filter((id) => !expected.includes(id)).join('')
    expect(await matching({ where: { not: where } })).toBe(rest)
  })

  it('goes together with the other keys, several namespaces and namespaces as paths', async () => {
    expect(await matching({ namespaces: ['users/ana', 'users/anabel'] })).toBe('eg')
    expect(await matching({ namespaces: [] })).toBe('')
    expect(await matching({ namespaceUnder: 'users/ana' })).toBe('ef')
    expect(await matching({ namespaceUnder: 'users' })).toBe('efg')
    expect(await matching({ namespaceUnder: 'users/' })).toBe('')
    expect(await matching({ namespaceUnder: 'users/ana', where: { 'metadata.level': { lt: 0 } } })).toBe('f')
    expect(
      await matching({ since: day(2), metadata: { kind: 'note' }, where: { tags: { any: ['x'] } } }),
    ).toBe('b')
    const [first, none, second] = await getMemories(test.db, {
      ids: ['b', 'nobody', 'a'],
      namespace: 'default',
    })
    expect([first?.id, none, second?.id]).toEqual(['b', null, 'a'])
  })

  const refused: [unknown, string][] = [
    [{ 'metadata.level': { equals: 1 } }, 'has the operator "equals", expected only: eq, ne'],
    [{ 'metadata.level': 1 }, 'must be an object with operators'],
    [{ 'metadata.level': {} }, 'must be an object with operators'],
    [{ 'metadata.': { eq: 1 } }, 'must name a path'],
    [{ level: { eq: 1 } }, 'there is no field "level"'],
    [{ speaker: { eq: 'x' } }, 'there is no field "speaker"'],
    [{ $or: [] }, 'there is no field "$or"'],
    [{}, 'must be an object with a condition'],
    [{ and: [] }, 'must be an array of conditions'],
    [{ or: [{}] }, 'must be an object with a condition'],
    [{ not: [] }, 'must be an object with a condition'],
    [{ tags: { contains: ['x'] } }, 'has the operator "contains", expected only: any, all, none'],
    [{ tags: { any: 'x' } }, 'must be an array of strings'],
    [{ tags: { any: [['x']] } }, 'must be an array of strings'],
    [{ speakerId: { eq: null } }, 'must be a string, got null'],
    [{ speakerId: { in: 'ana' } }, 'must be an array'],
    [{ importance: { gt: '0.5' } }, 'must be a number, got "0.5"'],
    [{ importance: { gt: 1e300 } }, 'a real can hold'],
    [{ importance: { exists: 1 } }, 'must be true or false'],
    [{ createdAt: { gt: 'yesterday' } }, 'ISO 8601'],
    [{ createdAt: { gt: 5 } }, 'must be a string'],
    [{ 'metadata.level': { gt: true } }, 'must be a number or a string'],
    [{ path: 'level', eq: 1 }, 'must name a path'],
    [{ path: [], eq: 1 }, 'must name a path'],
    [{ path: ['level'] }, 'must be an object with operators'],
  ]
  it.each(refused)('%j is refused', async (where, message) => {
    const filter = { where } as SearchFilter
    await expectRefusal(bm25Search(test.db, { queryText: 'coffee', filter }), InvalidInputError, message)
    await expectRefusal(countMemories(test.db, { filter }), InvalidInputError, message)
  })

  it('is answered with 1,000 conditions, and refused clearly with more, or too deep', async () => {
    const many = (count: number): SearchFilter => ({
      where: { or: Array.from({ length: count }, (_, at) => ({ 'metadata.level': { eq: at + 1 } })) },
    })
    expect(await countMemories(test.db, { filter: many(1000) })).toBe(3)
    expect(idsOf(await bm25Search(test.db, { queryText: 'coffee', filter: many(1000) })).sort()).toEqual([
      'a',
      'b',
      'g',
    ])
    await expectRefusal(countMemories(test.db, { filter: many(1001) }), InvalidInputError, '1000 conditions')
    const deep = (depth: number): Where => (depth === 0 ? { id: { eq: 'a' } } : { not: deep(depth - 1) })
    expect(await countMemories(test.db, { filter: { where: deep(32) } })).toBe(1)
    await expectRefusal(
      countMemories(test.db, { filter: { where: deep(100) } }),
      InvalidInputError,
      '32 deep',
    )
    const wide = { in: Array.from({ length: 20_000 }, (_, at) => at) }
    expect(await countMemories(test.db, { filter: { where: { 'metadata.level': wide } } })).toBe(3)
  })
})
