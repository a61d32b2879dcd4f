import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { claim, completeMany, type Database, enqueue, enqueueMany, release } from '../../src/index.ts'
import { describeOnServer, type TestServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'

const workerId = 'w'

/** Passing so many takes every machine far more than the millisecond from which a claim caches. */
const deadEntries = 30_000

/** A transaction beside which no dead entry can be taken away: one that only reads, or one that has written. */
async function startTransaction(test: TestServer, kind: 'reading' | 'writing'): Promise<() => Promise<void>> {
  const { db } = await test.connectAgain(1)
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  let started = () => {}
  const hasStarted = new Promise<void>((resolve) => {
    started = resolve
  })
  const open = db.transaction(
    async (transaction) => {
      await transaction.execute(
        kind === 'writing' ? sql`SELECT pg_current_xact_id()` : sql`SELECT count(*) FROM jobs`,
      )
      started()
      await finished
    },
    { isolationLevel: 'repeatable read' },
  )
  await hasStarted
  return async () => {
    finish()
    await open
  }
}

/** Accepts jobs, claims them and completes them: as many dead entries at the beginning of the queue. */
async function workOff(db: Database, queue: string, count: number): Promise<void> {
  await enqueueMany(db, { jobs: Array.from({ length: count }, () => ({ intent: 'old', queue })) })
  for (let left = count; left > 0; left -= 500) {
    const jobs = await claim(db, { queue, workerId, limit: Math.min(left, 500), columns: [] })
    await completeMany(db, { jobs })
  }
}

/** Pages that one claim reads. */
async function pages(db: Database, queue: string): Promise<number> {
  const [row] = await queryRows(
    db,
    sql.raw(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM claim('${queue}', 'w')`),
  )
  const plan = row?.['QUERY PLAN']
  const [{ Plan }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
    { Plan: Record<string, number> },
  ]
  return (Plan['Shared Hit Blocks'] ?? 0) + (Plan['Shared Read Blocks'] ?? 0)
}

describeOnServer('where a queue begins', (test) => {
  const beside = async (kind: 'reading' | 'writing', body: () => Promise<void>) => {
    const finish = await startTransaction(test, kind)
    try {
      await body()
    } finally {
      await finish()
    }
  }

  it.each(['reading', 'writing'] as const)(
    'costs claims little beside a transaction that is %s',
    {
      timeout: 120_000,
    },
    (kind) =>
      beside(kind, async () => {
        const queue = uniqueName()
        const { db } = await test.connectAgain(1)
        await workOff(db, queue, deadEntries)
        await enqueueMany(db, { jobs: Array.from({ length: 60 }, () => ({ intent: 'new', queue })) })
        const read: number[] = []
        for (let n = 0; n < 40; n += 1) read.push(await pages(db, queue))
        read.sort((a, b) => a - b)
        // Once a second the queue is read from its beginning, as a new session reads it; never by most claims.
        expect(read[20]).toBeLessThan(150)
        expect(await pages((await test.connectAgain(1)).db, queue)).toBeGreaterThan(1000)
      }),
  )

  it('is not cached where it is found at once: what is given back is first again', async () => {
    const queue = uniqueName()
    const { db } = await test.connectAgain(1)
    await enqueueMany(db, { jobs: [1, 2, 3].map((n) => ({ intent: `${n}`, queue })) })
    for (let n = 0; n < 20; n += 1) {
      const jobs = await claim(db, { queue, workerId, limit: 2 })
      expect(jobs.map(({ intent }) => intent)).toEqual(['1', '2'])
      for (const { id, leaseToken } of jobs) await release(db, { id, leaseToken })
    }
  })

  it('hides a job that comes before it for a second at most', { timeout: 60_000 }, () =>
    beside('writing', async () => {
      const queue = uniqueName()
      const { db } = await test.connectAgain(1)
      await workOff(db, queue, deadEntries)
      await enqueueMany(db, { jobs: Array.from({ length: 20 }, () => ({ intent: 'new', queue })) })
      for (let n = 0; n < 5; n += 1) await claim(db, { queue, workerId })
      await enqueue(test.db, { intent: 'urgent', queue, priority: 1 })
      expect(await claim(db, { queue, workerId })).toMatchObject([{ intent: 'urgent' }])
      await enqueue(test.db, { intent: 'early', queue, runAt: new Date(Date.now() - 3_600_000) })
      await sleep(1100)
      expect(await claim(db, { queue, workerId })).toMatchObject([{ intent: 'early' }])
    }),
  )

  it(
    'gives out every job exactly once, whatever is backdated or committed late',
    {
      timeout: 120_000,
    },
    () =>
      beside('writing', async () => {
        const queue = uniqueName()
        const { db } = await test.connectAgain(12)
        await workOff(db, queue, 10_000)
        let writing = true
        const accepted: string[] = []
        const write = async () => {
          for (let n = 0; n < 150; n += 1) {
            const ids = await db.transaction(async (transaction) => {
              const ago = Math.random() < 0.3 ? Math.random() * 10_000 : 0
              const runAt = new Date(Date.now() - ago)
              const jobs = [1, 2, 3].map(() => ({
                intent: 'a',
                queue,
                runAt,
                priority: Math.floor(Math.random() * 3),
              }))
              const made = await enqueueMany(transaction, { jobs })
              if (Math.random() < 0.3) await sleep(Math.random() * 60)
              return made.map(({ id }) => id)
            })
            accepted.push(...ids)
          }
        }
        const taken: string[] = []
        const read = async () => {
          for (let empty = 0; writing || empty < 30; ) {
            const jobs = await claim(db, { queue, workerId, limit: 3, columns: [] })
            taken.push(...jobs.map(({ id }) => id))
            await completeMany(db, { jobs })
            empty = jobs.length === 0 ? empty + 1 : 0
            if (jobs.length === 0) await sleep(50)
          }
        }
        const readers = [read(), read(), read()]
        await Promise.all([write(), write(), write(), write()])
        writing = false
        await Promise.all(readers)
        expect(taken.length).toBe(accepted.length)
        expect(new Set(taken)).toEqual(new Set(accepted))
      }),
  )
})
