import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { DatabaseError, remember, rememberMany, schema } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { clearMemories, expectRefusal } from '../support/fixtures.ts'

describeOnServer('rememberMany among other writers', (server) => {
  beforeEach(() => clearMemories(server.db))

  it('does not deadlock with others that write the same rows in another order', async () => {
    const items = Array.from({ length: 400 }, (_, at) => ({ id: `m${at}`, text: `text ${at % 7}` }))
    const orders = [items, [...items].reverse(), [...items].sort(() => 0.5 - Math.random())]
    const writers = await Promise.all(orders.map(() => server.connectAgain(2)))
    for (let round = 0; round < 5; round++) {
      const results = await Promise.all(
        writers.map(({ db }, at) => rememberMany(db, { items: orders[at] ?? [], batchSize: 50 })),
      )
      const created = results.flat().filter((result) => result.created).length
      expect(created).toBe(round === 0 ? 400 : 0)
    }
    expect(await server.db.$count(schema.memoryItems)).toBe(400)
  })

  it('leaves nothing half-written when the connection is cut in the middle, and the pool recovers', async () => {
    // By node-postgres: postgres.js 3.4 throws outside of any promise when a connection is cut inside a transaction
    // (github.com/porsager/postgres/issues/1208).
    const pool = new Pool({ connectionString: server.url, max: 1 })
    onTestFinished(() => pool.end())
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    const db = drizzle({ client: pool })
    const items = Array.from({ length: 50 }, (_, at) => ({ id: `m${at + 10}`, text: `text ${at}` }))
    const [own] = rowsOf(await db.execute(sql`SELECT pg_backend_pid() AS pid`))
    const refusal = await server.db.transaction(async (transaction) => {
      // Somebody else is about to write m40, so the call stops there, in the middle of its transaction.
      await remember(transaction, { id: 'm40', text: 'of somebody else' })
      const refused = expectRefusal(rememberMany(db, { items, batchSize: 1 }), DatabaseError)
      const waiting = sql`SELECT FROM pg_stat_activity WHERE pid = ${own?.pid} AND wait_event_type = 'Lock'`
      await vi.waitFor(async () => expect(rowsOf(await transaction.execute(waiting))).toHaveLength(1), 10_000)
      await transaction.execute(sql`SELECT pg_terminate_backend(${own?.pid})`)
      const refusal = await refused
      await transaction.execute(sql`DELETE FROM memory_items WHERE id = 'm40'`)
      return refusal
    })
    expect(refusal.cause).toBeInstanceOf(Error)
    expect(await server.db.$count(schema.memoryItems)).toBe(0)
    expect((await rememberMany(db, { items })).every((result) => result.created)).toBe(true)
  })
})
