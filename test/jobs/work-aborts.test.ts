import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import {
  cancel,
  claim,
  enqueue,
  enqueueMany,
  JobAbortedError,
  listJobs,
  waitForJob,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'
import { workerStarter } from './workers.ts'

const until = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

describeOnEachBackend('a handler that must stop', (test) => {
  const { start, workers } = workerStarter(test)

  it('extends leases, and tells a handler of a cancellation', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'long', queue })
    const reasons: unknown[] = []
    const started = new Promise<void>((resolve) => {
      start(
        {
          long: async (_, { signal }) => {
            resolve()
            await until(signal).catch((error) => {
              reasons.push(error)
              throw error
            })
          },
        },
        { queue, leaseSeconds: 0.6, heartbeatSeconds: 0.1 },
      )
    })
    await started
    await new Promise((next) => setTimeout(next, 1200))
    expect(await claim(test.db, { queue, workerId: 'other' })).toEqual([])
    expect(await read(test.db, id)).toMatchObject({ status: 'running' })
    expect(await cancel(test.db, { id })).toBe('cancel_requested')
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({ status: 'cancelled' })
    expect(reasons).toMatchObject([{ reason: 'cancelled', code: 'job_aborted' }])
    expect(reasons[0]).toBeInstanceOf(JobAbortedError)
  })

  it('tells a handler that its lease is lost, and settles nothing then', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'long', queue })
    const reason = new Promise((resolve) => {
      start(
        {
          long: async (_, { signal }) => {
            // Another worker takes over: as if this one had been frozen for longer than its lease.
            await test.db.execute(
              sql`UPDATE jobs SET lease_token = lease_token + 1, worker_id = 'other' WHERE id = ${id}`,
            )
            await until(signal).catch(({ reason }) => resolve(reason))
            return 'of the zombie'
          },
        },
        { queue, leaseSeconds: 5, heartbeatSeconds: 0.05 },
      )
    })
    expect(await reason).toBe('lease_lost')
    await workers[0]?.stop()
    expect(await read(test.db, id)).toMatchObject({ status: 'running', workerId: 'other', result: null })
  })

  it('stops a handler at the deadline', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'long', queue, deadlineAt: new Date(Date.now() + 500) })
    start({ long: (_, { signal }) => until(signal) }, { queue })
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
      status: 'failed',
      error: { code: 'deadline_exceeded' },
    })
  })

  it('lets handlers finish when it stops, aborts those that do not, and gives back what is left', async () => {
    const queue = uniqueName()
    const [quick, obedient, deaf] = await enqueueMany(test.db, {
      jobs: [
        { intent: 'quick', queue },
        { intent: 'obedient', queue },
        { intent: 'deaf', queue },
      ],
    })
    let started = 0
    const worker = start(
      {
        quick: async () => {
          started += 1
          await new Promise((next) => setTimeout(next, 100))
          return 'done'
        },
        obedient: (_, { signal }) => {
          started += 1
          return until(signal)
        },
        deaf: () => {
          started += 1
          return new Promise(() => {})
        },
      },
      { queue, drainSeconds: 1, abortSeconds: 0.3 },
    )
    while (started < 3) await new Promise((next) => setTimeout(next, 10))
    await worker.stop()
    expect(await read(test.db, quick?.id ?? '')).toMatchObject({ status: 'completed', result: 'done' })
    expect(await read(test.db, obedient?.id ?? '')).toMatchObject({ status: 'pending', attempt: 0 })
    expect(await read(test.db, deaf?.id ?? '')).toMatchObject({ status: 'pending', attempt: 0 })
    await enqueue(test.db, { intent: 'quick', queue })
    await new Promise((next) => setTimeout(next, 150))
    expect((await listJobs(test.db, { queue, statuses: ['running'] })).items).toEqual([])
  })

  it('gives the place of a handler that ignores its signal to another job', async () => {
    const queue = uniqueName()
    const deaf = await enqueue(test.db, { intent: 'deaf', queue })
    const next = await enqueue(test.db, { intent: 'next', queue })
    const errors: unknown[] = []
    start(
      { deaf: () => new Promise(() => {}), next: () => 'done' },
      {
        queue,
        concurrency: 1,
        leaseSeconds: 3,
        heartbeatSeconds: 0.05,
        onError: (error) => errors.push(error),
      },
    )
    await expect.poll(async () => (await read(test.db, deaf.id)).status).toBe('running')
    expect(await cancel(test.db, { id: deaf.id })).toBe('cancel_requested')
    expect(await waitForJob(test.db, { id: next.id, timeout: 20 })).toMatchObject({ status: 'completed' })
    expect(await read(test.db, deaf.id)).toMatchObject({ status: 'cancelled' })
    expect(errors).toMatchObject([
      { reason: 'cancelled', message: expect.stringContaining('still ran 0.2 s') },
    ])
  })
})
