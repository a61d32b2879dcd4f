import { beforeAll, expect, it } from 'vitest'
import {
  cancel,
  claim,
  complete,
  enqueue,
  enqueueMany,
  InvalidInputError,
  jobAttempts,
  takeBackExpired,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

describeOnEachBackend('claim', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('gives a job with a lease', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'a', queue, inputs: { n: 1 } })
    const [job] = await claim(test.db, { queue, workerId: 'ada', leaseSeconds: 30 })
    const now = await clock.now()
    expect(job).toMatchObject({
      id,
      status: 'running',
      leaseToken: now.getTime() * 1000,
      attempt: 1,
      workerId: 'ada',
      inputs: { n: 1 },
      startedAt: now,
      heartbeatAt: now,
      leaseExpiresAt: new Date(now.getTime() + 30_000),
    })
    expect(await read(test.db, id)).toEqual(job)
    expect(await claim(test.db, { queue, workerId: 'bob' })).toEqual([])
  })

  it('takes the highest priority first, then the earliest run_at, then by id', async () => {
    const queue = uniqueName()
    const now = (await clock.now()).getTime()
    const at = (seconds: number) => new Date(now + seconds * 1000)
    await enqueueMany(test.db, {
      jobs: [
        { intent: 'a', queue, id: 'late', priority: 5, runAt: at(-1) },
        { intent: 'a', queue, id: 'early', priority: 5, runAt: at(-9) },
        { intent: 'a', queue, id: 'low', priority: -3, runAt: at(-99) },
        { intent: 'a', queue, id: 'top', priority: 9, runAt: at(0) },
        { intent: 'a', queue, id: 'b', priority: 5, runAt: at(-5) },
        { intent: 'a', queue, id: 'a', priority: 5, runAt: at(-5) },
        { intent: 'a', queue, id: 'B', priority: 5, runAt: at(-5) },
        { intent: 'a', queue, id: 'future', priority: 99, runAt: at(60) },
      ],
    })
    const order = ['top', 'early', 'B', 'a', 'b', 'late', 'low']
    const taken = [
      ...(await claim(test.db, { queue, workerId: 'w', limit: 2 })),
      ...(await claim(test.db, { queue, workerId: 'w' })),
      ...(await claim(test.db, { queue, workerId: 'w', limit: 100 })),
    ]
    expect(taken.map(({ id }) => id)).toEqual(order)
    await clock.advance(60)
    expect(await claim(test.db, { queue, workerId: 'w' })).toMatchObject([{ id: 'future' }])
  })

  it('takes only the modes that are asked for', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: (['flow', 'mcp', 'agent', 'auto'] as const).map((mode) => ({ intent: mode, queue, mode })),
    })
    expect(
      (await claim(test.db, { queue, workerId: 'w', modes: ['mcp', 'auto'], limit: 9 }))
        .map(({ mode }) => mode)
        .sort(),
    ).toEqual(['auto', 'mcp'])
    expect(await claim(test.db, { queue, workerId: 'w', modes: [], limit: 9 })).toEqual([])
    expect(await claim(test.db, { queue, workerId: 'w', limit: 9 })).toHaveLength(2)
  })

  it('takes back a lease that ran out, under a new token', async () => {
    const first = await running(test.db, {}, 30)
    await clock.advance(29.9)
    expect(await claim(test.db, { queue: first.queue, workerId: 'w2' })).toEqual([])
    await clock.advance(0.1)
    const [second] = await claim(test.db, { queue: first.queue, workerId: 'w2' })
    expect(second).toMatchObject({ id: first.id, attempt: 1, losses: 1, workerId: 'w2', progress: 0 })
    expect(second?.leaseToken).toBeGreaterThan(first.leaseToken)
    expect(await jobAttempts(test.db, { id: first.id })).toEqual([
      {
        jobId: first.id,
        leaseToken: first.leaseToken,
        attempt: 1,
        workerId: 'worker-1',
        outcome: 'lease_lost',
        startedAt: first.startedAt,
        finishedAt: await clock.now(),
        error: { code: 'lease_lost', message: expect.stringContaining('worker-1') },
      },
    ])
  })

  it('fails a job for which a lost worker is a failed attempt, when it was the last', async () => {
    const job = await running(test.db, { maxAttempts: 1, onLost: 'fail' }, 30)
    await clock.advance(31)
    expect(await claim(test.db, { queue: job.queue, workerId: 'w2' })).toEqual([])
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'lease_lost' },
      completedAt: await clock.now(),
    })
  })

  it('cancels a job whose lease ran out after its cancellation was asked for', async () => {
    const job = await running(test.db, {}, 30)
    expect(await cancel(test.db, { id: job.id })).toBe('cancel_requested')
    await clock.advance(31)
    expect(await claim(test.db, { queue: job.queue, workerId: 'w2' })).toEqual([])
    expect(await read(test.db, job.id)).toMatchObject({ status: 'cancelled' })
    expect(await complete(test.db, job)).toBe('cancelled')
  })

  it('fails what is past its deadline: pending, waiting, and running once the lease is over', async () => {
    const deadlineAt = new Date((await clock.now()).getTime() + 60_000)
    const job = await running(test.db, { deadlineAt }, 90)
    const { queue } = job
    const pending = await enqueue(test.db, { intent: 'a', queue, deadlineAt })
    const waiting = await enqueue(test.db, { intent: 'a', queue, deadlineAt, waitReason: 'input' })
    const later = await enqueue(test.db, {
      intent: 'a',
      queue,
      deadlineAt: new Date(deadlineAt.getTime() + 60_000),
      runAt: deadlineAt,
    })
    await clock.advance(60)
    expect((await claim(test.db, { queue, workerId: 'w', limit: 10 })).map(({ id }) => id)).toEqual([
      later.id,
    ])
    for (const { id } of [pending, waiting]) {
      expect(await read(test.db, id)).toMatchObject({
        status: 'failed',
        waitReason: null,
        error: { code: 'deadline_exceeded' },
      })
    }
    expect(await read(test.db, job.id)).toMatchObject({ status: 'running' })
    await clock.advance(30)
    expect(await takeBackExpired(test.db, { queue })).toBe(1)
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'deadline_exceeded' },
    })
  })

  it('takes back a bounded number at a time', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: Array.from({ length: 250 }, () => ({ intent: 'a', queue })) })
    expect(await claim(test.db, { queue, workerId: 'w', limit: 250, leaseSeconds: 1 })).toHaveLength(250)
    await clock.advance(2)
    expect(await claim(test.db, { queue, workerId: 'w', limit: 250 })).toHaveLength(100)
    expect(await takeBackExpired(test.db, { queue, limit: 1000 })).toBe(150)
  })

  it('does not touch other queues', async () => {
    const job = await running(test.db, {}, 1)
    await clock.advance(5)
    expect(await claim(test.db, { queue: uniqueName(), workerId: 'w' })).toEqual([])
    expect(await read(test.db, job.id)).toMatchObject({ status: 'running' })
  })

  it.each([
    [{ limit: 0 }, /limit must be from 1 to 10000, got 0/],
    [{ limit: 2.5 }, /limit must be a whole number, got 2.5/],
    [{ leaseSeconds: 0 }, /leaseSeconds must be from 0.01 to 604800/],
    [{ leaseSeconds: Number.POSITIVE_INFINITY }, /leaseSeconds must be from 0.01 .* got Infinity/],
    [{ workerId: '' }, /workerId must be text of 1 to 255 bytes, got 0/],
    [{ workerId: undefined }, /workerId must not be undefined/],
    [{ modes: ['magic'] }, /execution_mode.*magic/],
    [{ modes: 'flow' }, /modes must be an array, got string/],
  ])('refuses %o', async (options, message) => {
    const refused = claim(test.db, { workerId: 'w', ...(options as object) } as never)
    await expect(refused).rejects.toThrow(InvalidInputError)
    await expect(refused).rejects.toThrow(message)
  })
})

describeOnServer('claim at the same time', (test) => {
  it('gives each job to one of twenty workers', async () => {
    const { db } = await test.connectAgain(20)
    const queue = uniqueName()
    await enqueueMany(db, {
      jobs: Array.from({ length: 2000 }, (_, n) => ({ intent: 'a', queue, priority: n % 3 })),
    })
    const taken: string[] = []
    await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        for (;;) {
          const jobs = await claim(db, { queue, workerId: `w${worker}`, limit: 1 + (worker % 7) })
          if (jobs.length === 0) return
          taken.push(...jobs.map(({ id }) => id))
          await Promise.all(jobs.map((job) => complete(db, { id: job.id, leaseToken: job.leaseToken })))
        }
      }),
    )
    expect(taken).toHaveLength(2000)
    expect(new Set(taken).size).toBe(2000)
  })

  it('does not wait for a job that another transaction holds, and does not take it', async () => {
    const other = await test.connectAgain(1)
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: ['first', 'second'].map((id) => ({ intent: 'a', queue, id })) })
    await other.db.transaction(async (transaction) => {
      expect(await claim(transaction, { queue, workerId: 'w1' })).toMatchObject([{ id: 'first' }])
      expect(await claim(test.db, { queue, workerId: 'w2', limit: 9 })).toMatchObject([{ id: 'second' }])
    })
    expect(await claim(test.db, { queue, workerId: 'w2', limit: 9 })).toEqual([])
  })
})
