import { type SQL, sql } from 'drizzle-orm'
import { withReplicas } from 'drizzle-orm/pg-core'
import type { Sql } from 'postgres'
import { expect, it } from 'vitest'
import {
  bm25Search,
  countMemories,
  createMemory,
  type Database,
  enqueue,
  explainSearch,
  getJob,
  getMemory,
  hybridSearch,
  latencyStats,
  listJobs,
  listMemories,
  queueStats,
  recall,
  remember,
  stuckJobs,
  usageStats,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { wordEmbedder } from '../support/embedding-server.ts'
import { embedding, idsOf } from '../support/fixtures.ts'

type Replicated = Parameters<typeof withReplicas>[0]

describeOnServer('a database with replicas', (server) => {
  /** A connection to the same database, whose statements are counted, and may fail before they are sent. */
  async function counted(failWith?: () => Error | undefined) {
    const { db } = await server.connectAgain(2)
    const client = db.$client as Sql
    const seen: string[] = []
    const { unsafe } = client
    Object.assign(client, {
      unsafe: (text: string, ...more: never[]) => {
        seen.push(text)
        const failure = failWith?.()
        return unsafe(
          failure === undefined
            ? text
            : `DO $$ BEGIN RAISE 'conflict' USING ERRCODE = '${failure.message}'; END $$`,
          ...(failure === undefined ? more : []),
        )
      },
    })
    return { db, seen }
  }

  const reads: [name: string, read: (db: Database) => Promise<unknown>][] = [
    ['bm25Search', (db) => bm25Search(db, { queryText: 'tea' })],
    ['vectorSearch', (db) => vectorSearch(db, { queryEmbedding: embedding(1) })],
    ['hybridSearch', (db) => hybridSearch(db, { queryText: 'tea', queryEmbedding: embedding(1) })],
    ['recall', (db) => recall(db, { question: 'tea' })],
    ['explainSearch', (db) => explainSearch(db, { queryText: 'tea' })],
    ['countMemories', (db) => countMemories(db)],
    ['getMemory', (db) => getMemory(db, { id: 'm' })],
    ['listMemories', (db) => listMemories(db)],
    ['listJobs', (db) => listJobs(db)],
    ['queueStats', async (db) => (await queueStats(db)).map(({ queue, pending }) => [queue, pending])],
    ['latencyStats', (db) => latencyStats(db)],
    ['usageStats', (db) => usageStats(db)],
    ['stuckJobs', (db) => stuckJobs(db)],
  ]

  it('gives searches, lists and statistics to the replica that it chooses, and the rest to the primary', async () => {
    const [primary, one, other] = [await counted(), await counted(), await counted()]
    const db = withReplicas(
      primary.db as unknown as Replicated,
      [one.db, other.db] as unknown as [Replicated, Replicated],
      (all) => all[1] as Replicated,
    ) as unknown as Database
    await remember(db, { id: 'm', text: 'green tea', embedding: embedding(1) })
    await enqueue(db, { intent: 'x', id: 'j' })
    expect(await getJob(db, { id: 'j' })).toMatchObject({ id: 'j' })
    expect(one.seen).toEqual([])
    expect(other.seen).toEqual([])
    const written = primary.seen.length
    for (const [name, read] of reads) {
      const before = other.seen.length
      expect(await read(db), name).toEqual(await read(server.db))
      expect(other.seen.length, name).toBeGreaterThan(before)
    }
    expect(primary.seen).toHaveLength(written)
    expect(one.seen).toEqual([])
    // Of one's own writes: the primary, by name.
    const own = (db as unknown as { $primary: Database }).$primary
    expect(idsOf(await bm25Search(own, { queryText: 'green' }))).toEqual(['m'])
    expect(primary.seen.length).toBeGreaterThan(written)
  })

  it('reads from the primary what a replica cancels, and gives other errors as they are', async () => {
    let code = '40001'
    const [primary, replica] = [await counted(), await counted(() => new Error(code))]
    const db = withReplicas(primary.db as unknown as Replicated, [
      replica.db as unknown as Replicated,
    ]) as unknown as Database
    await remember(db, { id: 'm', text: 'green tea', embedding: embedding(1) })
    for (const [name, read] of reads) expect(await read(db), name).toEqual(await read(server.db))
    expect(replica.seen.length).toBeGreaterThanOrEqual(reads.length)
    code = '42501'
    await expect(bm25Search(db, { queryText: 'tea' })).rejects.toMatchObject({
      code: 'database',
      message: 'conflict',
    })
  })

  it('recalls from the primary while a replica has not heard of a change of the model', async () => {
    const [primary, replica] = [await counted(), await counted(() => new Error('22023'))]
    const db = withReplicas(primary.db as unknown as Replicated, [
      replica.db as unknown as Replicated,
    ]) as unknown as Database
    const memory = createMemory(db, wordEmbedder())
    await memory.remember({ id: 'recalled', text: 'black coffee' })
    const { memories, embedded } = await memory.recall('black coffee', { k: 1 })
    expect([idsOf(memories), embedded]).toEqual([['recalled'], true])
    expect(replica.seen).not.toEqual([])
    await expect(bm25Search(db, { queryText: 'coffee' })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('of no replicas, or a transaction, reads where it is', async () => {
    const primary = await counted()
    await primary.db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT 1` as SQL)
      expect(await bm25Search(transaction, { queryText: 'nothing' })).toEqual([])
    })
  })
})
