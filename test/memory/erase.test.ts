import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  countMemories,
  erase,
  exportMemories,
  getMemory,
  InvalidInputError,
  memoryHistory,
  proveErased,
  remember,
  rememberMany,
  supersede,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('erase', (test) => {
  beforeEach(() => clearMemories(test.db))

  async function fill() {
    await rememberMany(test.db, {
      items: Array.from({ length: 60 }, (_, at) => ({
        namespace: 'ana',
        text: `Quixotessa number ${at} lives at Zanzibarry`,
        speakerId: 'ana',
      })),
    })
    await remember(test.db, {
      id: 'gone',
      namespace: 'ana',
      text: 'Quixotessa again',
      expiresAt: '2000-01-01T00:00:00Z',
    })
    await remember(test.db, { id: 'was', namespace: 'ana', text: 'Xylophonique the former' })
    await remember(test.db, {
      id: 'was',
      namespace: 'ana',
      text: 'the latter',
      metadata: { who: 'Xylophonique' },
    })
    await remember(test.db, { id: 'was', namespace: 'ana', text: 'the latter', metadata: {} })
    await supersede(test.db, { id: 'was', text: 'the Xylophonique of today' })
    await rememberMany(test.db, {
      items: [
        { id: 'b1', namespace: 'bob', text: 'Bob lives elsewhere', speakerId: 'ana' },
        { id: 'b2', namespace: 'bob', text: 'Bob has a number', speakerId: 'bob' },
      ],
    })
  }
  const words = ['Quixotessa', 'Zanzibarry', 'xylophonique']

  it('leaves no trace of a namespace in any table, and nothing else undone', async () => {
    await fill()
    const before = await proveErased(test.db, { namespace: 'ana', words })
    expect(before).toMatchObject({ erased: false, memories: 63 })
    expect(before.found.map(({ table }) => table)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/memory_items$/),
        expect.stringMatching(/memory_history$/),
        expect.stringMatching(/search_log/),
      ]),
    )
    const counted = await erase(test.db, { namespace: 'ana', dryRun: true })
    expect(counted).toEqual({ memories: 63, historyEntries: 2, statisticsCleared: false })
    expect(await countMemories(test.db, { namespace: 'ana' })).toBe(61)

    const progress: [number, number][] = []
    const erased = await erase(test.db, {
      namespace: 'ana',
      batchSize: 20,
      onProgress: (done, total) => progress.push([done, total]),
    })
    expect(erased).toEqual({ memories: 63, historyEntries: 2, statisticsCleared: true })
    expect(progress).toEqual([
      [20, 63],
      [40, 63],
      [60, 63],
      [63, 63],
    ])
    expect(await proveErased(test.db, { namespace: 'ana', words })).toEqual({
      erased: true,
      memories: 0,
      found: [],
    })
    expect(idsOf(await bm25Search(test.db, { queryText: 'lives number' })).sort()).toEqual(['b1', 'b2'])
    expect(await erase(test.db, { namespace: 'ana' })).toMatchObject({ memories: 0, historyEntries: 0 })
  })

  it('erases by speaker and by conditions, across namespaces', async () => {
    await fill()
    expect(await erase(test.db, { speakerId: 'ana', where: { namespace: { eq: 'bob' } } })).toMatchObject({
      memories: 1,
    })
    expect(await erase(test.db, { where: { id: { in: ['b2', 'nobody'] } } })).toMatchObject({ memories: 1 })
    expect(await countMemories(test.db, { namespace: 'bob' })).toBe(0)
    expect(await proveErased(test.db, { words: ['Bob'] })).toMatchObject({ erased: true })
  })

  it('takes its own id from what it superseded', async () => {
    await remember(test.db, { id: 'old', text: 'the old one' })
    await supersede(test.db, { id: 'old', newId: 'quixotessa-id', text: 'the new one', speakerId: 'q' })
    await erase(test.db, { speakerId: 'q' })
    expect((await getMemory(test.db, { id: 'old' }))?.supersededBy).toBe('(erased)')
    expect(await proveErased(test.db, { words: ['quixotessa-id'] })).toMatchObject({ erased: true })
  })

  it('finds a word wherever it is, and nothing that only looks like it', async () => {
    await test.db.execute(
      sql`INSERT INTO jobs (id, intent, inputs) VALUES ('j', 'x', '{"who": "Quixotessa"}')`,
    )
    expect((await proveErased(test.db, { words: ['quixotessa'] })).found).toEqual([
      { table: expect.stringMatching(/jobs$/), rows: 1 },
    ])
    await test.db.execute(sql`DELETE FROM jobs`)
    await remember(test.db, { text: 'a concatenation' })
    // "cat" is no lexeme of it, but a part of its text.
    expect((await proveErased(test.db, { words: ['cat'] })).found).toEqual([
      { table: expect.stringMatching(/memory_items$/), rows: 1 },
    ])
  })

  it('refuses an empty scope: everything is not one', async () => {
    await fill()
    for (const scope of [{}, { dryRun: true }]) {
      await expectRefusal(erase(test.db, scope), InvalidInputError, 'scope must say whose memories')
    }
    await expectRefusal(erase(test.db, { where: {} }), InvalidInputError, 'filter.where')
    await expectRefusal(proveErased(test.db, {}), InvalidInputError, 'scope must say')
    await expectRefusal(queryRows(test.db, sql`SELECT erase_memories('{}')`), InvalidInputError).catch(
      () => undefined,
    )
    expect(await countMemories(test.db, {})).toBe(63)
  })

  it('exports what it would erase, with its history', async () => {
    await fill()
    const exported = []
    for await (const memory of exportMemories(test.db, { namespace: 'ana', batchSize: 7 }))
      exported.push(memory)
    expect(exported).toHaveLength(63)
    expect(new Set(idsOf(exported)).size).toBe(63)
    expect(exported.every((memory) => memory.namespace === 'ana')).toBe(true)
    const was = exported.find((memory) => memory.id === 'was')
    expect(was?.history).toMatchObject([
      { text: 'Xylophonique the former', metadata: {} },
      { text: null, metadata: { who: 'Xylophonique' } },
    ])
    expect(exported.filter((memory) => memory.supersededBy !== null)).toHaveLength(1)
    expect(await memoryHistory(test.db, { id: 'was' })).toMatchObject({ supersedes: [] })
  })
})
