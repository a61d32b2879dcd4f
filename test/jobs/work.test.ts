import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import {
  approve,
  cancel,
  claim,
  enqueue,
  enqueueMany,
  InvalidInputError,
  JobAbortedError,
  jobAttempts,
  listJobs,
  queueStats,
  waitForJob,
  work,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'
import { workerStarter } from './workers.ts'

const until = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

describeOnEachBackend('work', (test) => {
  const { start, workers } = workerStarter(test)

  it('does jobs by the handler of their intent and keeps what it returns', async () => {
    const queue = uniqueName()
    const [double, other, nothing] = await enqueueMany(test.db, {
      jobs: [
        { intent: 'double', queue, inputs: { n: 21 } },
        { intent: 'unknown', queue },
        { intent: 'nothing', queue },
      ],
    })
    start(
      {
        double: ({ inputs }) => Number(inputs.n) * 2,
        nothing: () => {},
        '*': ({ intent }) => `any: ${intent}`,
      },
      { queue, workerId: 'ada' },
    )
    expect(await waitForJob(test.db, { id: double?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 42,
      workerId: 'ada',
    })
    expect(await waitForJob(test.db, { id: other?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 'any: unknown',
    })
    expect(await waitForJob(test.db, { id: nothing?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: null,
    })
  })

  it('does many, as many at once as it was told', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: Array.from({ length: 300 }, () => ({ intent: 'a', queue })) })
    let atOnce = 0
    let most = 0
    const done = new Promise<void>((resolve) => {
      let count = 0
      start(
        {
          a: async () => {
            atOnce += 1
            most = Math.max(most, atOnce)
            await new Promise((next) => setTimeout(next, 1))
            atOnce -= 1
            count += 1
            if (count === 300) resolve()
          },
        },
        { queue, concurrency: 7 },
      )
    })
    await done
    await workers[0]?.stop()
    expect(most).toBe(7)
    expect(await queueStats(test.db, { queue })).toMatchObject([{ completed: 300, running: 0 }])
  })

  it('fails a job whose handler throws, and tries again by its own rules', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'flaky', queue, backoffSeconds: 0.01 })
    const hopeless = await enqueue(test.db, { intent: 'hopeless', queue })
    let tries = 0
    start(
      {
        flaky: () => {
          tries += 1
          if (tries < 3) throw Object.assign(new Error(`try ${tries}`), { code: 'flaky' })
          return tries
        },
        hopeless: () => {
          throw Object.assign(new Error('never'), { retryable: false })
        },
      },
      { queue },
    )
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 3,
      attempt: 3,
      error: null,
    })
    expect(
      (await jobAttempts(test.db, { id })).map(({ outcome, error }) => [
        outcome,
        error?.code,
        error?.message,
      ]),
    ).toEqual([
      ['retried', 'flaky', 'try 1'],
      ['retried', 'flaky', 'try 2'],
      ['completed', undefined, undefined],
    ])
    expect(await waitForJob(test.db, { id: hopeless.id, timeout: 20 })).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'Error', message: 'never' },
    })
  })

  it('fails a job that it has no handler for, or whose result cannot be stored', async () => {
    const queue = uniqueName()
    const unknown = await enqueue(test.db, { intent: 'unknown', queue, maxAttempts: 1 })
    const unstorable = await enqueue(test.db, { intent: 'unstorable', queue })
    const fine = await enqueue(test.db, { intent: 'fine', queue })
    start({ unstorable: () => ({ text: 'nul \u0000' }), fine: () => 1 }, { queue })
    expect(await waitForJob(test.db, { id: unknown.id, timeout: 20 })).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('no handler for unknown') },
    })
    expect(await waitForJob(test.db, { id: unstorable.id, timeout: 20 })).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'invalid_input' },
    })
    expect(await waitForJob(test.db, { id: fine.id, timeout: 20 })).toMatchObject({ status: 'completed' })
  })

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

  it('orchestrates: children, their results, an approval, progress and usage', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'report', queue })
    start(
      {
        report: async (job, context) => {
          const children = (await listJobs(context.db, { parentId: job.id })).items
          if (children.length === 0) {
            for (const page of [1, 2, 3])
              await context.enqueueChild({ intent: 'page', queue, inputs: { page } })
            return context.waitFor({ reason: 'children' })
          }
          if (job.requiredAction?.response === undefined) {
            return context.waitFor({ reason: 'approval', requiredAction: { question: 'Publish?' } })
          }
          await context.reportProgress(0.9, 'publishing')
          await context.addUsage({ model: 'small', inputTokens: 7, cost: 0.5 })
          return children.map(({ result }) => result).sort()
        },
        page: ({ inputs }) => `page ${String(inputs.page)}`,
      },
      { queue },
    )
    while ((await read(test.db, id)).waitReason !== 'approval')
      await new Promise((next) => setTimeout(next, 20))
    const { waitId } = await read(test.db, id)
    expect(await approve(test.db, { id, waitId: waitId ?? '', by: 'ada' })).toBe('ok')
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
      status: 'completed',
      result: ['page 1', 'page 2', 'page 3'],
      attempt: 1,
      progressMessage: 'publishing',
      usage: { cost: 0.5 },
    })
    expect((await jobAttempts(test.db, { id })).map(({ outcome }) => outcome)).toEqual([
      'waiting',
      'waiting',
      'completed',
    ])
  })

  it('reports what goes wrong beside the handlers, and goes on', async () => {
    const queue = uniqueName()
    const errors: unknown[] = []
    start({ a: () => 1 }, { queue, modes: ['magic' as never], onError: (error) => errors.push(error) })
    while (errors.length < 2) await new Promise((next) => setTimeout(next, 10))
    expect(errors[0]).toBeInstanceOf(InvalidInputError)
    expect(() => work(test.db, {}, { concurrency: 0 })).toThrow(
      /concurrency must be a number greater than 0, got 0/,
    )
  })
})
