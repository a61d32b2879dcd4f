import { sql } from 'drizzle-orm'
import type { Sql } from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/database/connect.ts'
import {
  AcquireTimeoutError,
  claim,
  complete,
  enqueue,
  getJob,
  getMemory,
  listMemories,
  migrate,
  remember,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

describeOnServer('the time to wait for a connection of the pool', (server) => {
  async function connectImpatiently(acquireTimeoutSeconds: number) {
    const connection = await connect(
      { kind: 'server', url: server.url },
      { maxConnections: 1, acquireTimeoutSeconds },
    )
    onTestFinished(() => connection.close())
    return connection.db
  }

  it('is limited for queries and transactions, which are then not sent', async () => {
    const db = await connectImpatiently(0.3)
    const refused = (work: Promise<unknown>) =>
      expectRefusal(work, AcquireTimeoutError, 'within 0.3 seconds', 'maxConnections')
    await db.transaction(async () => {
      const started = performance.now()
      await Promise.all([
        refused(remember(db, { id: 'late', text: 'not sent' })),
        refused(enqueue(db, { intent: 'x', id: 'late' })),
        refused(claim(db, { workerId: 'w' })),
        refused(getMemory(db, { id: 'late' })),
        refused(listMemories(db)),
        refused(migrate(db)),
        expect((db.$client as Sql).reserve()).rejects.toThrow(AcquireTimeoutError),
      ])
      expect(performance.now() - started).toBeLessThan(5000)
    })
    // The pool goes on, and what timed out was not done after all.
    expect(await getJob(db, { id: 'late' })).toBeNull()
    expect(await getMemory(db, { id: 'late' })).toBeNull()
    expect(await remember(db, { id: 'punctual', text: 'sent' })).toEqual({ id: 'punctual', created: true })
  })

  it('does not count what a query itself takes, nor limits a transaction that has its connection', async () => {
    const db = await connectImpatiently(0.2)
    await db.execute(sql`SELECT pg_sleep(0.5)`)
    await db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT pg_sleep(0.5)`)
      await transaction.transaction((nested) => remember(nested, { text: 'nested' }))
    })
  })

  it('leaves a short queue alone', async () => {
    const db = await connectImpatiently(10)
    const jobs = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const { id } = await enqueue(db, { intent: 'x', queue: 'short', id: `short-${at}` })
        const [job] = await claim(db, { queue: 'short', workerId: `w${at}` })
        return job ? complete(db, job) : id
      }),
    )
    expect(new Set(jobs)).toEqual(new Set(['ok']))
  })
})
