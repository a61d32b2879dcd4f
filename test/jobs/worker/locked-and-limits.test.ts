import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { claim, enqueue, enqueueMany, jobAttempts, waitForJob } from '../../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../../support/backends.ts'
import { read, uniqueName } from '../fixtures.ts'
import { workerStarter } from '../workers.ts'

const until = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

describeOnEachBackend('the limits of an attempt', (test) => {
  const { start } = workerStarter(test)

  it('an attempt that takes too long is stopped, and tried again', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, {
      intent: 'slow',
      queue,
      attemptTimeoutSeconds: 0.3,
      backoffSeconds: 0.01,
    })
    const reasons: unknown[] = []
    start(
      {
        slow: async ({ attempt }, { signal }) => {
          if (attempt > 1) return 'quick'
          await until(signal).catch((error) => {
            reasons.push(error.reason)
            throw error
          })
        },
      },
      { queue, onError: () => {} },
    )
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({ status: 'completed', attempt: 2 })
    await expect.poll(() => reasons).toEqual(['attempt_timeout'])
    expect((await jobAttempts(test.db, { id }))[0]).toMatchObject({ error: { code: 'attempt_timeout' } })
  })

  it('a shutdown uses up an attempt only of jobs that say so', async () => {
    const queue = uniqueName()
    const [retried, failed] = await enqueueMany(test.db, {
      jobs: [
        { intent: 'a', queue },
        { intent: 'a', queue, onLost: 'fail', maxAttempts: 1 },
      ],
    })
    let begun = 0
    const worker = start(
      {
        a: (_, { signal }) => {
          begun += 1
          return until(signal)
        },
      },
      { queue, onError: () => {} },
    )
    await expect.poll(() => begun).toBe(2)
    await worker.stop()
    expect(await read(test.db, retried?.id ?? '')).toMatchObject({ status: 'pending', attempt: 0 })
    expect(await read(test.db, failed?.id ?? '')).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'shutdown' },
    })
  })

  it('an array is claimed in its order', async () => {
    const queue = uniqueName()
    const accepted = await enqueueMany(test.db, {
      jobs: Array.from({ length: 500 }, () => ({ intent: 'a', queue })),
    })
    const claimed = await claim(test.db, { queue, workerId: 'w', limit: 500 })
    expect(claimed.map(({ id }) => id)).toEqual(accepted.map(({ id }) => id))
  })
})

describeOnServer('a worker beside a transaction that holds the row of a job', (test) => {
  const { start } = workerStarter(test)

  it('keeps the leases of the others, comes back to that one, and settles it then', async () => {
    const queue = uniqueName()
    const jobs = await enqueueMany(test.db, {
      jobs: Array.from({ length: 4 }, () => ({ intent: 'a', queue })),
    })
    const [locked, ...others] = jobs.map(({ id }) => id)
    const errors: unknown[] = []
    let begun = 0
    start(
      {
        a: async () => {
          begun += 1
          await new Promise((next) => setTimeout(next, 1500))
          return 'done'
        },
      },
      {
        queue,
        leaseSeconds: 1,
        // No claim of its own takes the locked job's lease back when the lock is gone.
        pollMilliseconds: 60_000,
        maxPollMilliseconds: 60_000,
        onError: (error) => errors.push(error),
      },
    )
    await expect.poll(() => begun).toBe(4)
    const other = await test.connectAgain(1)
    await other.db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT FROM jobs WHERE id = ${locked} FOR UPDATE`)
      for (const id of others) {
        expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
          status: 'completed',
          attempt: 1,
        })
      }
      await new Promise((next) => setTimeout(next, 1500))
    })
    expect(await waitForJob(test.db, { id: locked ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 'done',
      attempt: 1,
    })
    expect(errors).toEqual([])
  })
})
