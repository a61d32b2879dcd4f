import { eq, sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  embedPending,
  getMemory,
  memoryColumns,
  memoryId,
  remember,
  rememberMany,
  schema,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'
import { clearMemories, embedding, idsOf } from '../support/fixtures.ts'

const { memoryItems } = schema

describeOnEachBackend('memories that are edited by plain statements', (test) => {
  beforeEach(() => clearMemories(test.db))

  it('lose the vector of the old text, and are pending', async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'drizzle', text: 'Ana likes tea', embedding: vectorOf('Ana likes tea') },
        { id: 'sql', text: 'Bob likes tea', embedding: vectorOf('Bob likes tea') },
        { id: 'other column', text: 'Cem likes tea', embedding: vectorOf('Cem likes tea') },
        { id: 'new vector', text: 'Dee likes tea', embedding: vectorOf('Dee likes tea') },
      ],
    })
    await test.db.update(memoryItems).set({ text: 'Ana hates rain' }).where(eq(memoryItems.id, 'drizzle'))
    await test.db.execute(sql`UPDATE memory_items SET text = 'Bob hates rain' WHERE id = 'sql'`)
    await test.db.execute(
      sql`UPDATE memory_items SET importance = 0.9, text = text WHERE id = 'other column'`,
    )
    await test.db
      .update(memoryItems)
      .set({ text: 'Dee hates rain', embedding: Array.from(vectorOf('Dee hates rain')) })
      .where(eq(memoryItems.id, 'new vector'))
    const found = await vectorSearch(test.db, { queryEmbedding: vectorOf('Ana likes tea') })
    expect(idsOf(found).sort()).toEqual(['new vector', 'other column'])
    expect(await embedPending(test.db, wordEmbedder())).toMatchObject({ embedded: 2, failed: [] })
    const now = await vectorSearch(test.db, { queryEmbedding: vectorOf('Ana hates rain'), k: 1 })
    expect(now).toMatchObject([{ id: 'drizzle' }])
    expect(now[0]?.similarity).toBeCloseTo(1, 5)
  })

  it('get the default id where an insert names none', async () => {
    await test.db.insert(memoryItems).values({ text: 'by Drizzle', tags: ['b', 'a'] })
    await test.db.execute(sql`INSERT INTO memory_items (namespace, text) VALUES ('ana', 'by SQL')`)
    const ids = [memoryId('default', 'by Drizzle', ['a', 'b']), memoryId('ana', 'by SQL')]
    expect(idsOf(await test.db.select(memoryColumns).from(memoryItems)).sort()).toEqual(ids.sort())
    expect(await remember(test.db, { text: 'by Drizzle' })).toEqual({
      id: memoryId('default', 'by Drizzle', ['a', 'b']),
      created: false,
    })
    await test.db
      .insert(memoryItems)
      .values({ text: 'by Drizzle', tags: ['a', 'b'] })
      .onConflictDoNothing()
  })

  it('keep their edit when the old text is remembered, which becomes a memory of its own, once', async () => {
    const { id } = await remember(test.db, { text: 'Ana lives in Paris', embedding: embedding(1) })
    await test.db.update(memoryItems).set({ text: 'Ana lives in Oslo' }).where(eq(memoryItems.id, id))
    const again = await remember(test.db, { text: 'Ana lives in Paris', embedding: embedding(2) })
    expect(again).toEqual({ id: `${id}-2`, created: true })
    expect(await getMemory(test.db, { id })).toMatchObject({ text: 'Ana lives in Oslo', embedding: null })
    expect(await remember(test.db, { text: 'Ana lives in Paris' })).toEqual({ id: again.id, created: false })
    expect(await remember(test.db, { text: 'Ana lives in Oslo' })).toEqual({ id, created: false })
    await test.db.update(memoryItems).set({ text: 'edited too' }).where(eq(memoryItems.id, again.id))
    expect((await remember(test.db, { text: 'Ana lives in Paris' })).id).toBe(`${id}-3`)
  })

  it('show no search vector to a select of the columns of a memory', async () => {
    await remember(test.db, { text: 'plain' })
    const [row] = await test.db.select(memoryColumns).from(memoryItems)
    expect(Object.keys(row ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/searchVector|lexemeCount|contentHash/)]),
    )
    expect(row?.text).toBe('plain')
  })

  it('have their new vector even if it is the very vector of the old text', async () => {
    const vector = embedding(5)
    await remember(test.db, { id: 'own', text: 'HELLO', embedding: vector })
    await remember(test.db, { id: 'own', text: 'hello', embedding: vector })
    expect((await getMemory(test.db, { id: 'own' }))?.embedding).toHaveLength(dimensions)
    expect(await queryRows(test.db, sql`SELECT text FROM memory_items`)).toEqual([{ text: 'hello' }])
  })
})
