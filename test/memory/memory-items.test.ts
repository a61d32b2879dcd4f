import { eq, sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { schema } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { clearMemories, embedding } from '../support/fixtures.ts'

const { memoryItems } = schema

describeOnEachBackend('the table memory_items', (test) => {
  beforeEach(async () => {
    await clearMemories(test.db)
    await test.db
      .insert(memoryItems)
      .values({ id: 'x', text: 'green tea', updatedAt: new Date('2020-01-01') })
  })
  const updatedAt = async () => {
    const [row] = await test.db.select().from(memoryItems).where(eq(memoryItems.id, 'x'))
    return row?.updatedAt.getTime() ?? Number.NaN
  }
  const old = new Date('2020-01-01').getTime()

  it.each([
    ['namespace', { namespace: 'ana' }],
    ['text', { text: 'black tea' }],
    ['tags', { tags: ['a'] }],
    ['speaker_id', { speakerId: 's' }],
    ['metadata', { metadata: { a: 1 } }],
    ['embedding', { embedding: embedding(1) }],
    ['importance', { importance: 1 }],
    ['expires_at', { expiresAt: new Date('2999-01-01') }],
    ['created_at', { createdAt: new Date('2021-01-01') }],
    ['id', { id: 'x', tags: ['moved'] }],
  ])(
    'sets updated_at when %s changes, whatever the client says, and not when it stays',
    async (_, change) => {
      const before = Date.now()
      await test.db.update(memoryItems).set({ ...change, updatedAt: new Date('2019-01-01') })
      const first = await updatedAt()
      expect(first).toBeGreaterThan(before - 60_000)
      await test.db.update(memoryItems).set(change)
      expect(await updatedAt()).toBe(first)
    },
  )

  it('leaves updated_at alone when an update writes what is there', async () => {
    await test.db.execute(
      sql`UPDATE memory_items SET text = text, tags = tags, metadata = metadata, namespace = 'default'`,
    )
    expect(await updatedAt()).toBe(old)
  })

  it('keeps updated_at when a client writes nothing else', async () => {
    const before = await updatedAt()
    await test.db.update(memoryItems).set({ updatedAt: new Date('2019-01-01') })
    expect(await updatedAt()).toBe(before)
  })

  it('counts the positions of the ordinary lexemes', async () => {
    const texts = {
      a: 'the of and',
      b: 'tea tea tea coffee',
      c: 'x'.repeat(3000),
      d: 'tea '.repeat(300),
      e: ' ',
    }
    for (const [id, text] of Object.entries(texts)) await test.db.insert(memoryItems).values({ id, text })
    const rows = rowsOf(
      await test.db.execute(sql`SELECT id, lexeme_count FROM memory_items WHERE id < 'f' ORDER BY id`),
    )
    expect(rows.map((row) => row.lexeme_count)).toEqual([0, 4, 0, 255, 0])
  })

  it.each([
    ['id', sql`INSERT INTO memory_items (id, text) VALUES ('', 'x')`],
    ['id', sql`INSERT INTO memory_items (id, text) VALUES (repeat('x', 1025), 'x')`],
    ['namespace', sql`INSERT INTO memory_items (id, text, namespace) VALUES ('y', 'x', '')`],
    ['text', sql`INSERT INTO memory_items (id, text) VALUES ('y', '')`],
    ['text', sql`INSERT INTO memory_items (id, text) VALUES ('y', repeat('é', 32769))`],
    ['tags', sql`INSERT INTO memory_items (id, text, tags) VALUES ('y', 'x', '{NULL}')`],
    ['metadata', sql`INSERT INTO memory_items (id, text, metadata) VALUES ('y', 'x', '[]')`],
    ['metadata', sql`INSERT INTO memory_items (id, text, metadata) VALUES ('y', 'x', 'null')`],
    ['importance', sql`INSERT INTO memory_items (id, text, importance) VALUES ('y', 'x', 1.1)`],
    ['importance', sql`INSERT INTO memory_items (id, text, importance) VALUES ('y', 'x', 'NaN')`],
    [
      'embedding',
      sql`INSERT INTO memory_items (id, text, embedding) VALUES ('y', 'x', array_fill(0, ARRAY[${dimensions}::integer])::vector)`,
    ],
    [
      'embedding',
      sql`INSERT INTO memory_items (id, text, embedding) VALUES ('y', 'x', array_fill(1e30, ARRAY[${dimensions}::integer])::vector)`,
    ],
    [
      'embedding',
      sql`INSERT INTO memory_items (id, text, embedding) VALUES ('y', 'x', array_fill(1e-30, ARRAY[${dimensions}::integer])::vector)`,
    ],
  ])('checks %s', async (column, statement) => {
    await expect(test.db.execute(statement)).rejects.toMatchObject({
      cause: { code: '23514', message: expect.stringContaining(`"memory_items_${column}_check"`) },
    })
  })

  it('takes a text of exactly 64 KiB', async () => {
    await test.db.execute(sql`INSERT INTO memory_items (id, text) VALUES ('y', repeat('é', 32768))`)
    await expect(
      test.db.execute(sql`INSERT INTO memory_items (id, text, embedding) VALUES ('z', 'x', '[1,2,3]')`),
    ).rejects.toMatchObject({
      cause: { message: expect.stringContaining(`must have ${dimensions} dimensions, got 3`) },
    })
  })
})
