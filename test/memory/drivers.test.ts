import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import {
  bm25Score,
  bm25Search,
  ConflictError,
  forget,
  getMemory,
  hybridSearch,
  InvalidInputError,
  listMemories,
  recall,
  remember,
  rememberMany,
  schema,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { clearMemories, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

interface Opened {
  readonly db: Database
  close(): Promise<unknown>
}

/** The ways in which a service may have opened the database, other than by connect(). */
const drivers: Record<string, (url: string) => Opened> = {
  'node-postgres': (url) => {
    const pool = new Pool({ connectionString: url, max: 3 })
    return { db: drizzleNodePostgres({ client: pool }), close: () => pool.end() }
  },
  'node-postgres with a schema': (url) => {
    const pool = new Pool({ connectionString: url, max: 3 })
    return { db: drizzleNodePostgres({ client: pool, schema }), close: () => pool.end() }
  },
  'postgres.js without prepared statements': (url) => {
    const client = postgres(url, { prepare: false, onnotice: () => {} })
    return { db: drizzlePostgresJs({ client }), close: () => client.end() }
  },
  'postgres.js that fetches no types': (url) => {
    const client = postgres(url, { fetch_types: false, onnotice: () => {} })
    return { db: drizzlePostgresJs({ client, schema }), close: () => client.end() }
  },
}

describeOnServer('the helpers by other drivers', (server) => {
  describe.each(Object.keys(drivers))('%s', (name) => {
    let opened: Opened
    beforeAll(async () => {
      opened = drivers[name]?.(server.url) as Opened
      await clearMemories(opened.db)
    })
    afterAll(() => opened?.close())

    const memory = {
      id: 'x',
      text: 'green \'tea\' \\ "日本"',
      tags: ['a,b', '{"c"}', 'null', ''],
      metadata: { deep: [1, null] },
      embedding: embedding(1),
      createdAt: new Date('2024-01-31T10:00:00.123Z'),
      expiresAt: new Date('2999-01-01T00:00:00Z'),
    }

    it('gives the same rows and results', async () => {
      const { db } = opened
      expect(await remember(db, memory)).toEqual({ id: 'x', created: true })
      expect(await rememberMany(db, { items: [memory, { id: 'y', text: 'black tea' }] })).toEqual([
        { id: 'x', created: false },
        { id: 'y', created: true },
      ])
      const { embedding: kept, updatedAt, ...row } = (await getMemory(db, { id: 'x' })) ?? {}
      expect(row).toMatchObject({
        id: 'x',
        text: memory.text,
        tags: memory.tags,
        metadata: memory.metadata,
        createdAt: memory.createdAt,
        expiresAt: memory.expiresAt,
        namespace: 'default',
        speakerId: null,
        importance: 0.5,
      })
      expect(kept).toHaveLength(dimensions)
      expect(updatedAt).toBeInstanceOf(Date)
      const found = { id: 'x', text: memory.text, tags: memory.tags, createdAt: memory.createdAt }
      const options = {
        queryText: 'green',
        queryEmbedding: embedding(1),
        queryTags: ['a,b', 'z'],
        k: 3,
        filter: { since: new Date(0) },
      }
      expect(await bm25Search(db, options)).toEqual([{ ...found, score: expect.any(Number) }])
      expect(await vectorSearch(db, options)).toEqual([{ ...found, similarity: expect.closeTo(1, 6) }])
      expect(await hybridSearch(db, options)).toEqual([
        {
          ...found,
          bm25Score: expect.any(Number),
          vectorScore: expect.closeTo(1, 6),
          combinedScore: expect.closeTo(1, 6),
          bm25Rank: 1,
          vectorRank: 1,
        },
      ])
      expect(idsOf(await recall(db, { question: 'tea' })).sort()).toEqual(['x', 'y'])
      expect(await bm25Score(db, { queryText: 'tea', docText: 'tea' })).toBeGreaterThan(0)
      const page = await listMemories(db, { limit: 1, tags: ['a,b', 'x'] })
      expect(page).toMatchObject({ items: [{ id: 'x', createdAt: memory.createdAt }], next: null })
      const first = await listMemories(db, { limit: 1 })
      expect(idsOf((await listMemories(db, { limit: 1, after: first.next ?? '' })).items)).toEqual(['x'])
    })

    it('refuses alike, also inside the transaction of the caller, which goes on', async () => {
      const { db } = opened
      await db.transaction(async (transaction) => {
        await remember(transaction, { id: 'z', text: 'inside' })
        await expectRefusal(remember(transaction, { id: 'z', text: 'x', namespace: 'other' }), ConflictError)
        await expectRefusal(remember(transaction, { id: 'z', text: '' }), InvalidInputError)
        expect(idsOf(await bm25Search(transaction, { queryText: 'inside' }))).toEqual(['z'])
      })
      const attempt = bm25Search(db, { queryText: 'tea', filter: { namespace: 5 as never } })
      const refusal = await expectRefusal(
        attempt,
        InvalidInputError,
        'filter.namespace must be a string, got number 5',
      )
      expect(refusal.cause).toBeInstanceOf(Error)
      expect(await forget(db, { ids: ['z', 'nobody'] })).toEqual(['z'])
    })
  })
})
