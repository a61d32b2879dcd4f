import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Client, Pool } from 'pg'
import { afterEach, expect, it, vi } from 'vitest'
import {
  connect,
  type Database,
  enqueueMany,
  jobAttempts,
  type Worker,
  waitForJob,
  work,
} from '../../../src/index.ts'
import { describeOnServer } from '../../support/backends.ts'
import { uniqueName } from '../fixtures.ts'

describeOnServer('a worker on connections of its own', (test) => {
  const workers: Worker[] = []
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()))
  })

  /** Handlers that hold every connection of a pool of two for longer than a lease. */
  async function starve(db: Database): Promise<void> {
    const queue = uniqueName()
    const jobs = await enqueueMany(test.db, {
      jobs: Array.from({ length: 4 }, () => ({ intent: 'hold', queue })),
    })
    const errors: unknown[] = []
    workers.push(
      work(
        db,
        { hold: (_, context) => context.db.execute(sql`SELECT pg_sleep(2.5)`).then(() => 'held') },
        { queue, leaseSeconds: 1, pollMilliseconds: 20, onError: (error) => errors.push(error) },
      ),
    )
    for (const { id } of jobs) {
      expect(await waitForJob(test.db, { id, timeout: 40 })).toMatchObject({
        status: 'completed',
        result: 'held',
        attempt: 1,
      })
      expect(await jobAttempts(test.db, { id })).toHaveLength(1)
    }
    expect(errors).toEqual([])
  }

  it('keeps its leases while handlers hold every connection of postgres.js', async () => {
    await starve((await test.connectAgain(2)).db)
  })

  it('and of a Pool of node-postgres', async () => {
    const pool = new Pool({ connectionString: test.url, max: 2 })
    await starve(drizzle({ client: pool }))
    await Promise.all(workers.splice(0).map((worker) => worker.stop()))
    await pool.end()
  })

  it('says so where it cannot, unless that is accepted', async () => {
    const client = new Client({ connectionString: test.url })
    await client.connect()
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    workers.push(work(drizzle({ client }), { a: () => 1 }, { queue: uniqueName(), onError }))
    await expect.poll(() => errors).toMatchObject([{ message: expect.stringContaining('ownConnections') }])
    workers.push(
      work(drizzle({ client }), { a: () => 1 }, { queue: uniqueName(), onError, ownConnections: 0 }),
    )
    await new Promise((next) => setTimeout(next, 100))
    expect(errors).toHaveLength(1)
    await Promise.all(workers.splice(0).map((worker) => worker.stop()))
    await client.end()
  })

  it('settles what a handler did that blocked the event loop beyond its lease, and says why', async () => {
    const queue = uniqueName()
    const jobs = await enqueueMany(test.db, {
      jobs: [
        { intent: 'block', queue },
        { intent: 'wait', queue },
      ],
    })
    const errors: unknown[] = []
    workers.push(
      work(
        test.db,
        {
          block: async () => {
            await new Promise((next) => setTimeout(next, 50))
            const until = performance.now() + 1500
            while (performance.now() < until);
            return 'blocked'
          },
          wait: () => new Promise((done) => setTimeout(done, 2200, 'waited')),
        },
        { queue, leaseSeconds: 0.8, pollMilliseconds: 20, onError: (error) => errors.push(error) },
      ),
    )
    for (const { id } of jobs) {
      expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
        status: 'completed',
        attempt: 1,
      })
    }
    // A machine that is slow itself may have more to tell.
    expect(errors).toContainEqual(
      expect.objectContaining({
        code: 'lease_lost',
        message: expect.stringMatching(/event loop was blocked.* block/),
      }),
    )
  })
})

describeOnServer('a worker without onError', (test) => {
  it('says on standard error why it does nothing, once', async () => {
    const lines: string[] = []
    const spy = vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(String(line)))
    try {
      // A port where nobody listens.
      const pool = new Pool({ connectionString: 'postgres://nobody:secret@127.0.0.1:1/none', max: 1 })
      const closed = work(
        drizzle({ client: pool }),
        { a: () => 1 },
        { queue: 'q', workerId: 'w1', pollMilliseconds: 5 },
      )
      await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(1)
      await new Promise((next) => setTimeout(next, 200))
      await closed.stop()
      expect(lines).toEqual([
        expect.stringMatching(/^opa-db worker w1, queue q: database: no connection to the database: .*\n?$/),
      ])
      expect(lines[0]).not.toContain('secret')
      await pool.end()

      // A database, or a schema of it, that nobody has migrated.
      lines.length = 0
      const unmigrated = await connect({ kind: 'server', url: test.url, schema: 'nowhere' })
      const idle = work(unmigrated.db, { a: () => 1 }, { queue: 'q', workerId: 'w1' })
      await expect
        .poll(() => lines, { timeout: 10_000 })
        .toEqual([expect.stringMatching(/call migrate\(db\) first/)])
      await idle.stop()
      await unmigrated.close()

      lines.length = 0
      const queue = uniqueName()
      const [{ id } = { id: '' }] = await enqueueMany(test.db, {
        jobs: [{ intent: 'bad', queue, maxAttempts: 1 }],
      })
      const worker = work(
        test.db,
        {
          bad: () => {
            throw new TypeError('first\nsecond')
          },
        },
        { queue, workerId: 'w2' },
      )
      await waitForJob(test.db, { id, timeout: 20 })
      await expect
        .poll(() => lines)
        .toEqual([
          `opa-db worker w2, queue ${queue}: job ${id} (bad), attempt 1 of 1: TypeError: first second`,
        ])
      await worker.stop()
    } finally {
      spy.mockRestore()
    }
  })
})
