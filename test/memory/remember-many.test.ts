import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import {
  ConflictError,
  getMemory,
  InvalidInputError,
  remember,
  rememberMany,
  schema,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('rememberMany', (test) => {
  beforeEach(() => clearMemories(test.db))
  const count = () => test.db.$count(schema.memoryItems)

  it('gives a result for each item, in their order', async () => {
    await remember(test.db, { id: 'b', text: 'b' })
    const items = ['c', 'a', 'b', 'z', 'ä', '😀', '\uffee'].map((id) => ({ id, text: id }))
    expect(await rememberMany(test.db, { items, batchSize: 2 })).toEqual(
      items.map(({ id }) => ({ id, created: id !== 'b' })),
    )
    expect(await rememberMany(test.db, { items: [] })).toEqual([])
  })

  it('takes the last of several items with one id, as if they came one after another', async () => {
    const results = await rememberMany(test.db, {
      items: [
        { id: 'x', text: 'first', tags: ['t'], embedding: embedding(1) },
        { id: 'y', text: 'other' },
        { id: 'x', text: 'first', importance: 1 },
        { id: 'x', text: 'last' },
      ],
    })
    expect(results).toEqual([
      { id: 'x', created: true },
      { id: 'y', created: true },
      { id: 'x', created: false },
      { id: 'x', created: false },
    ])
    expect(await getMemory(test.db, { id: 'x' })).toMatchObject({
      text: 'last',
      tags: ['t'],
      importance: 1,
      embedding: null,
    })
  })

  it('keeps 5,000 memories, in batches whose progress it tells', async () => {
    const items = Array.from({ length: 5000 }, (_, at) => ({ text: `memory number ${at}`, tags: ['bulk'] }))
    const told: [number, number][] = []
    const results = await rememberMany(test.db, {
      items,
      batchSize: 1000,
      onProgress: (done, total) => told.push([done, total]),
    })
    expect(told).toEqual([1, 2, 3, 4, 5].map((n) => [n * 1000, 5000]))
    expect(results.every((result) => result.created)).toBe(true)
    expect(new Set(idsOf(results)).size).toBe(5000)
    expect(await count()).toBe(5000)
  })

  it('keeps all or nothing', async () => {
    await remember(test.db, { id: 'zz', text: 'of ana', namespace: 'ana' })
    const items = [{ text: 'good' }, { id: 'a', text: 'good' }, { id: 'zz', text: 'of another namespace' }]
    await expectRefusal(rememberMany(test.db, { items, batchSize: 1 }), ConflictError, '"zz"', '"default"')
    expect(await count()).toBe(1)
    const stop = rememberMany(test.db, {
      items: [{ text: 'one' }, { text: 'two' }],
      batchSize: 1,
      onProgress: () => {
        throw new RangeError('stop')
      },
    })
    await expect(stop).rejects.toBeInstanceOf(RangeError)
    expect(await count()).toBe(1)
  })

  it('checks everything before it writes anything, and names the item', async () => {
    const items = [{ text: 'good' }, { text: '' }]
    await expectRefusal(rememberMany(test.db, { items }), InvalidInputError, 'items[1].text', 'got 0')
    expect(await count()).toBe(0)
  })

  it.each([0, -1, 1.5, 5001, Number.NaN, '10'])('refuses a batch size of %s', async (batchSize) => {
    const attempt = rememberMany(test.db, { items: [{ text: 'x' }], batchSize: batchSize as number })
    await expectRefusal(attempt, InvalidInputError, 'batchSize', '1 to 5000', String(batchSize))
  })

  it('brings a large batch up to date without dropping an embedding', async () => {
    const items = Array.from({ length: 60 }, (_, at) => ({
      id: `m${at}`,
      text: `text ${at}`,
      embedding: embedding(at + 1),
    }))
    await rememberMany(test.db, { items })
    const again = items.map(({ id, text }, at) => ({ id, text: at % 2 ? text : `${text} changed` }))
    expect((await rememberMany(test.db, { items: again })).some((result) => result.created)).toBe(false)
    const [row] = rowsOf(
      await test.db.execute(sql`
        SELECT count(*) FILTER (WHERE embedding IS NULL AND text LIKE '%changed')::int AS changed,
          count(*) FILTER (WHERE embedding IS NOT NULL AND text NOT LIKE '%changed')::int AS kept
        FROM memory_items
      `),
    )
    expect(row).toEqual({ changed: 30, kept: 30 })
  })
})
