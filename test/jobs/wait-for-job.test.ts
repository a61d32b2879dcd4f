import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import { expect, it } from 'vitest'
import {
  cancel,
  enqueue,
  enqueueMany,
  NotFoundError,
  onJobs,
  setJobNotifications,
  waitForJob,
  work,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'
import { workerStarter } from './workers.ts'

describeOnEachBackend('waiting and listening', (test) => {
  const { start } = workerStarter(test)

  it('waits for a job: until it has ended, or the time is over, or it is told to stop', async () => {
    const { id } = await enqueue(test.db, { intent: 'a', queue: uniqueName() })
    expect(await waitForJob(test.db, { id, timeout: 0.1 })).toMatchObject({ status: 'pending' })
    expect(await waitForJob(test.db, { id, signal: AbortSignal.timeout(50) })).toMatchObject({
      status: 'pending',
    })
    const waiting = waitForJob(test.db, { id, timeout: 20 })
    await cancel(test.db, { id })
    expect(await waiting).toMatchObject({ status: 'cancelled' })
    await expect(waitForJob(test.db, { id: 'nobody' })).rejects.toThrow(NotFoundError)
  })

  it('listens, once notifications are on', async () => {
    await setJobNotifications(test.db, { isOn: true })
    const queue = uniqueName()
    let ready = 0
    const stop = await onJobs(test.db, { queue, onReady: () => (ready += 1) })
    await enqueueMany(test.db, { jobs: Array.from({ length: 20 }, () => ({ intent: 'a', queue })) })
    await enqueue(test.db, { intent: 'a', queue: uniqueName() })
    await new Promise((next) => setTimeout(next, 200))
    expect(ready).toBe(1)
    await stop()
    start(
      { a: () => 1 },
      { queue, isListening: true, pollMilliseconds: 60_000, maxPollMilliseconds: 60_000, concurrency: 50 },
    )
    await new Promise((next) => setTimeout(next, 500))
    const { id } = await enqueue(test.db, { intent: 'a', queue })
    expect(
      await waitForJob(test.db, { id, isListening: true, pollMilliseconds: 20_000, timeout: 20 }),
    ).toMatchObject({ status: 'completed' })
    await setJobNotifications(test.db, { isOn: false })
  })
})

describeOnServer('work through a lost connection', (test) => {
  it('goes on when every connection was terminated, and leaves no rejection behind', {
    timeout: 300_000,
  }, async () => {
    await setJobNotifications(test.db, { isOn: true })
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    const { db } = await test.connectAgain(3)
    // The first connection of a pool fetches the array types for all of them, and must not be cut off meanwhile.
    await db.execute(sql`SELECT`)
    // The only connection that lives on: it terminates the others.
    const alive = (await test.connectAgain(1)).db
    const queue = uniqueName()
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const worker = work(
      db,
      { a: () => new Promise((done) => setTimeout(done, 5)) },
      {
        queue,
        isListening: true,
        pollMilliseconds: 20,
        maxPollMilliseconds: 50,
        leaseSeconds: 2,
        heartbeatSeconds: 0.01,
        onError,
      },
    )
    const stopped: Promise<void>[] = []
    for (let round = 0; round < 20; round += 1) {
      const { id } = await enqueue(alive, { intent: 'a', queue })
      // A claim whose answer was lost holds its job for the length of a lease: shorter than what is waited below.
      const short = work(
        db,
        { a: () => 1 },
        { queue, isListening: true, onError, drainSeconds: 1, leaseSeconds: 2 },
      )
      // postgres.js may forget a query that waits for a connection while all are cut off: it is given up after the 30 s that
      // connect() lets a query wait, and the worker goes on.
      const watching = waitForJob(db, { id, isListening: true, timeout: 60 })
      await alive.execute(
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
      stopped.push(short.stop())
      expect(await watching).toMatchObject({ status: 'completed' })
      expect(await waitForJob(alive, { id, timeout: 60 })).toMatchObject({ status: 'completed' })
    }
    await Promise.all([worker.stop(), ...stopped])
    await new Promise((next) => setTimeout(next, 200))
    process.off('unhandledRejection', onRejection)
    expect(rejections).toEqual([])
    await setJobNotifications(alive, { isOn: false })
  })

  it('wakes a listener that was cut off, and hears again', async () => {
    await setJobNotifications(test.db, { isOn: true })
    const alive = (await test.connectAgain(1)).db
    const pool = new Pool({ connectionString: test.url, max: 1 })
    pool.on('error', () => {})
    for (const db of [(await test.connectAgain(1)).db, drizzle({ client: pool })]) {
      const queue = uniqueName()
      let ready = 0
      const stop = await onJobs(db, { queue, onReady: () => (ready += 1) })
      for (let round = 0; round < 3; round += 1) {
        const before = ready
        await alive.execute(
          sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
        )
        await expect.poll(() => ready, { timeout: 10_000 }).toBeGreaterThan(before)
        const woken = ready
        await enqueue(alive, { intent: 'a', queue })
        await expect.poll(() => ready, { timeout: 10_000 }).toBeGreaterThan(woken)
      }
      await stop()
    }
    await pool.end()
    await setJobNotifications(alive, { isOn: false })
  })
})
