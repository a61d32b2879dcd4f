import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Connection } from '../../src/database/connect.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  claim,
  completeMany,
  type Database,
  type EnqueueOptions,
  enqueue,
  enqueueMany,
  release,
} from '../../src/index.ts'
import { describeOnServer, type TestServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'

const workerId = 'w'

/** What note_queue_starts() noted in this session: eight numbers, the last two null until a horizon has passed. */
async function noted(db: Database, queue: string): Promise<(number | null)[] | undefined> {
  const [row] = await queryRows(
    db,
    sql`SELECT to_json(nullif(current_setting('opa.claim_' || (hashtext(${queue}::text) & 15), true), '')::float8[])::text AS noted`,
  )
  return typeof row?.noted === 'string' ? JSON.parse(row.noted) : undefined
}

/** A transaction that keeps its snapshot, beside which no dead entry can be taken away. */
async function startReport(test: TestServer): Promise<() => Promise<void>> {
  const { db } = await test.connectAgain(1)
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  let started = () => {}
  const hasStarted = new Promise<void>((resolve) => {
    started = resolve
  })
  const report = db.transaction(
    async (transaction) => {
      await transaction.execute(sql`SELECT count(*) FROM jobs`)
      started()
      await finished
    },
    { isolationLevel: 'repeatable read' },
  )
  await hasStarted
  return async () => {
    finish()
    await report
  }
}

async function claimMany(db: Database, queue: string, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const jobs = await claim(db, { queue, workerId, limit: Math.min(left, 500) })
    await completeMany(db, { jobs: jobs.map(({ id, leaseToken }) => ({ id, leaseToken })) })
  }
}

describeOnServer('where a queue begins', (test) => {
  /** A session that claims from a queue with many dead entries, and has noted where it begins. */
  async function knowingSession(queue: string, left: Partial<EnqueueOptions>[] = []): Promise<Connection> {
    await enqueueMany(test.db, { jobs: Array.from({ length: 12_000 }, () => ({ intent: 'old', queue })) })
    await claimMany(test.db, queue, 12_000)
    await enqueueMany(test.db, { jobs: left.map((job) => ({ intent: 'left', queue, ...job })) })
    const session = await test.connectAgain(1)
    await expect
      .poll(
        async () => {
          const [job] = await claim(session.db, { queue, workerId })
          if (job) await release(session.db, { id: job.id, leaseToken: job.leaseToken })
          await sleep(20)
          return (await noted(session.db, queue))?.[7] ?? null
        },
        { timeout: 10_000 },
      )
      .not.toBeNull()
    return session
  }

  async function next(db: Database, queue: string) {
    const [job] = await claim(db, { queue, workerId })
    return job?.intent
  }

  it('is known to a session that had long to look for it, and claims read little', async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue, [{}, {}, {}])
    const reads = async () => {
      await db.execute(sql`SELECT pg_stat_force_next_flush()`)
      const [row] = await queryRows(
        db,
        sql`WITH start AS MATERIALIZED (SELECT ready_pages_read() AS reads),
          job AS MATERIALIZED (SELECT count(*) FROM start, LATERAL claim(${queue}, 'w'))
        SELECT ready_pages_read() - (SELECT reads FROM start) AS reads FROM job`,
      )
      return Number(row?.reads)
    }
    expect(await reads()).toBeLessThan(20)
    // Whoever has noted nothing reads past what was claimed.
    await db.execute(sql`SELECT set_config('opa.claim_' || (hashtext(${queue}) & 15), '', false)`)
    expect(await reads()).toBeGreaterThan(100)
    await finish()
  })

  it('is not noted where it is found at once', async () => {
    const queue = uniqueName()
    const { db } = await test.connectAgain(1)
    await enqueueMany(db, { jobs: Array.from({ length: 30 }, () => ({ intent: 'a', queue })) })
    for (let n = 0; n < 20; n += 1) {
      expect(await next(db, queue)).toBe('a')
      expect(await noted(db, queue)).toBeUndefined()
    }
  })

  const hourAgo = () => new Date(Date.now() - 3_600_000)
  it.each<[string, (db: Database, queue: string) => Promise<unknown>]>([
    ['is accepted for an hour ago', (db, queue) => enqueue(db, { intent: 'first', queue, runAt: hourAgo() })],
    [
      'is accepted with a higher priority',
      (db, queue) => enqueue(db, { intent: 'first', queue, priority: 1 }),
    ],
    [
      'is given back',
      async (db, queue) => {
        await enqueue(db, { intent: 'first', queue, priority: 2 })
        const [job] = await claim(db, { queue, workerId })
        if (job === undefined) throw new Error('expected the job')
        await db.execute(
          sql`UPDATE jobs SET priority = 0, run_at = now() - interval '1 hour' WHERE id = ${job.id}`,
        )
        await release(db, { id: job.id, leaseToken: job.leaseToken })
      },
    ],
    [
      'is moved to an earlier time',
      async (db, queue) => {
        const { id } = await enqueue(db, { intent: 'first', queue })
        await db.execute(sql`UPDATE jobs SET run_at = now() - interval '1 hour' WHERE id = ${id}`)
      },
    ],
    [
      'is moved from another priority',
      async (db, queue) => {
        const { id } = await enqueue(db, { intent: 'first', queue, priority: -5, runAt: hourAgo() })
        await db.execute(sql`UPDATE jobs SET priority = 0 WHERE id = ${id}`)
      },
    ],
    [
      'is moved from another queue',
      async (db, queue) => {
        const { id } = await enqueue(db, { intent: 'first', queue: `${queue}-other`, runAt: hourAgo() })
        await db.execute(sql`UPDATE jobs SET queue = ${queue} WHERE id = ${id}`)
      },
    ],
  ])('does not hide a job that %s', async (_, make) => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue, [{}, {}, { priority: -1, intent: 'last' }])
    await make(test.db, queue)
    // Long enough for a claim to note again; while there are jobs above it, the priority stays.
    await sleep(110)
    expect(await next(db, queue)).toBe('first')
    expect((await noted(db, queue))?.[6]).toBe(0)
    expect(await next(db, queue)).toBe('left')
    expect(await next(db, queue)).toBe('left')
    expect(await next(db, queue)).toBe('last')
    expect(await next(db, queue)).toBeUndefined()
    await finish()
  })

  it('does not hide a job that was accepted first and committed last', async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue, [{}])
    const late = await test.connectAgain(1)
    await late.db.transaction(async (transaction) => {
      await enqueue(transaction, { intent: 'late', queue })
      await sleep(5)
      await enqueueMany(test.db, { jobs: Array.from({ length: 8 }, () => ({ intent: 'left', queue })) })
      for (let n = 0; n < 5; n += 1) {
        expect(await next(db, queue)).toBe('left')
        await sleep(110)
      }
    })
    expect((await noted(db, queue))?.[6]).toBe(0)
    expect(await next(db, queue)).toBe('late')
    expect(await next(db, queue)).toBe('left')
    await finish()
  })

  it('is known only as far as every transaction of the time is over', async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue, [{}])
    const long = await test.connectAgain(1)
    const late = await test.connectAgain(1)
    await late.db.transaction(async (second) => {
      await long.db.transaction(async (first) => {
        await first.execute(sql`SELECT pg_current_xact_id()`)
        // A note whose horizon the first transaction is before, and the second one behind.
        await sleep(110)
        expect(await next(db, queue)).toBe('left')
        await enqueue(second, { intent: 'late', queue })
        await sleep(150)
        await enqueueMany(test.db, { jobs: Array.from({ length: 8 }, () => ({ intent: 'left', queue })) })
        expect(await next(db, queue)).toBe('left')
      })
      for (let n = 0; n < 3; n += 1) {
        await sleep(110)
        expect(await next(db, queue)).toBe('left')
      }
    })
    expect(await next(db, queue)).toBe('late')
    await finish()
  })

  it('is not taken for that of another priority', async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const low = { intent: 'low', queue, priority: -1 }
    await enqueueMany(test.db, { jobs: [low, low, low] })
    await sleep(150)
    const { db } = await knowingSession(queue, [{}])
    expect(await next(db, queue)).toBe('left')
    for (let n = 0; n < 3; n += 1) {
      await sleep(110)
      expect(await next(db, queue)).toBe('low')
      expect((await noted(db, queue))?.[6]).toBe(-1)
    }
    await finish()
  })

  it('is not forgotten for a queue whose beginning is near', async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue, [{}, {}])
    const [other] = await queryRows(
      db,
      sql`SELECT name FROM (SELECT 'near-' || n AS name FROM generate_series(1, 1000) AS n) AS names
        WHERE hashtext(name) & 15 = hashtext(${queue}) & 15 LIMIT 1`,
    )
    const near = other?.name as string
    await enqueueMany(test.db, { jobs: [1, 2, 3].map(() => ({ intent: 'near', queue: near })) })
    const before = await noted(db, queue)
    expect(await next(db, near)).toBe('near')
    await sleep(110)
    expect(await next(db, near)).toBe('near')
    expect(await noted(db, queue)).toEqual(before)
    expect(await next(db, queue)).toBe('left')
    expect((await noted(db, queue))?.[1]).toBeGreaterThan(before?.[1] ?? Number.POSITIVE_INFINITY)
    await finish()
  })

  it('is where jobs are taken from, whatever others write meanwhile', { timeout: 60_000 }, async () => {
    const finish = await startReport(test)
    const queue = uniqueName()
    const { db } = await knowingSession(queue)
    let stopped = false
    const writer = async (seed: number) => {
      const { db } = await test.connectAgain(1)
      for (let n = seed; !stopped; n += 1) {
        const undo = new Error('undo')
        await db
          .transaction(async (transaction) => {
            const ago = [0, 0, 50, 500, 5000][n % 5] ?? 0
            await enqueue(transaction, {
              intent: 'a',
              queue,
              priority: n % 7 === 0 ? 1 : 0,
              ...(ago && { runAt: new Date(Date.now() - ago) }),
            })
            await sleep([0, 1, 5, 30, 150][(n * 3) % 7] ?? 0)
            if (n % 11 === 0) throw undo
          })
          .catch((error: unknown) => {
            if (error !== undo) throw error
          })
      }
    }
    const writers = [1, 2, 3].map((seed) => writer(seed * 1000))
    let [claimed, released, known] = [0, 0, 0]
    const until = performance.now() + 8000
    while (performance.now() < until) {
      // What is first when the statement begins; claim() looks a moment later, so it may give an even earlier one.
      const [row] = await queryRows(
        db,
        sql`WITH first AS MATERIALIZED (
          SELECT id, priority, run_at FROM jobs
          WHERE queue = ${queue} AND status = 'pending' AND run_at <= clock_timestamp()
          ORDER BY priority DESC, run_at, id LIMIT 1
        ), given AS MATERIALIZED (
          SELECT job.* FROM (SELECT count(*) FROM first) AS done, LATERAL claim(${queue}, 'w') AS job
        )
        SELECT given.id, given.lease_token,
          (given.priority, first.run_at, first.id) >= (first.priority, given.run_at, given.id) AS is_best,
          first.id AS first
        FROM first FULL JOIN given ON true`,
      )
      if (row?.id) {
        claimed += 1
        if (row.first) expect(row.is_best, JSON.stringify(row)).toBe(true)
        // Some are given back, and are first again.
        if (claimed % 5 === 0) {
          await release(db, { id: row.id as string, leaseToken: Number(row.lease_token) })
          released += 1
        }
      } else expect(row?.first ?? null).toBeNull()
      if ((await noted(db, queue))?.[7]) known += 1
    }
    stopped = true
    await Promise.all(writers)
    await finish()
    expect(Math.min(claimed, released * 5, known)).toBeGreaterThan(50)
  })
})
