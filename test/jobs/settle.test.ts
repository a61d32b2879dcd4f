import { beforeAll, expect, it } from 'vitest'
import {
  addUsage,
  cancel,
  claim,
  complete,
  completeMany,
  enqueueMany,
  fail,
  heartbeat,
  InvalidInputError,
  jobAttempts,
  release,
  reportProgress,
  snooze,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

const error = { code: 'timeout', message: 'no answer', detail: { after: 30 } }

describeOnEachBackend('settling a lease', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('completes with a result', async () => {
    const job = await running(test.db)
    await clock.advance(3)
    expect(
      await complete(test.db, {
        id: job.id,
        leaseToken: job.leaseToken,
        result: { answer: [42, null, 'ü'] },
      }),
    ).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'completed',
      result: { answer: [42, null, 'ü'] },
      progress: 1,
      completedAt: await clock.now(),
      leaseExpiresAt: null,
      workerId: 'worker-1',
      error: null,
    })
    expect(await jobAttempts(test.db, { id: job.id })).toMatchObject([
      {
        leaseToken: job.leaseToken,
        attempt: 1,
        outcome: 'completed',
        workerId: 'worker-1',
        startedAt: job.startedAt,
        finishedAt: await clock.now(),
        error: null,
      },
    ])
  })

  it.each([null, 'text', '"quoted"', '5', 5, true, [], {}, ''])(
    'keeps the result %j as it is',
    async (result) => {
      const job = await running(test.db)
      await complete(test.db, { id: job.id, leaseToken: job.leaseToken, result })
      expect((await read(test.db, job.id)).result).toEqual(result)
    },
  )

  it('completes many, each on its own', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: [1, 2, 3].map((n) => ({ intent: `i${n}`, queue, priority: -n })) })
    const [a, b, c] = await claim(test.db, { queue, workerId: 'w', limit: 3 })
    if (!a || !b || !c) throw new Error('expected three jobs')
    await complete(test.db, { id: b.id, leaseToken: b.leaseToken })
    expect(
      await completeMany(test.db, {
        jobs: [
          { id: c.id, leaseToken: c.leaseToken, result: 'c' },
          { id: 'nobody', leaseToken: 1 },
          { id: b.id, leaseToken: b.leaseToken, result: 'late' },
          { id: a.id, leaseToken: a.leaseToken, result: { of: 'a"' } },
          { id: a.id, leaseToken: 99, result: 'wrong' },
        ],
      }),
    ).toEqual([
      { id: c.id, outcome: 'ok' },
      { id: 'nobody', outcome: 'not_found' },
      { id: b.id, outcome: 'stale_lease' },
      { id: a.id, outcome: 'ok' },
      { id: a.id, outcome: 'stale_lease' },
    ])
    expect((await read(test.db, a.id)).result).toEqual({ of: 'a"' })
    expect((await read(test.db, b.id)).result).toBeNull()
    expect((await read(test.db, c.id)).result).toBe('c')
    expect(await completeMany(test.db, { jobs: [] })).toEqual([])
  })

  it('tries again after a pause that doubles, less a random half, and fails in the end', async () => {
    const job = await running(test.db, { maxAttempts: 3, backoffSeconds: 100 })
    let token = job.leaseToken
    for (const pause of [100, 200]) {
      expect(await fail(test.db, { id: job.id, leaseToken: token, error })).toBe('ok')
      const after = await read(test.db, job.id)
      expect(after).toMatchObject({ status: 'pending', error, progress: 0, leaseExpiresAt: null })
      const wait = (after.runAt.getTime() - (await clock.now()).getTime()) / 1000
      expect(wait).toBeGreaterThanOrEqual(pause / 2)
      expect(wait).toBeLessThanOrEqual(pause)
      await clock.advance(pause)
      const [again] = await claim(test.db, { queue: job.queue, workerId: 'w' })
      token = again?.leaseToken ?? 0
    }
    expect(await fail(test.db, { id: job.id, leaseToken: token, error })).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'failed',
      attempt: 3,
      error,
      completedAt: await clock.now(),
    })
    expect(
      (await jobAttempts(test.db, { id: job.id })).map(({ attempt, outcome }) => [attempt, outcome]),
    ).toEqual([
      [1, 'retried'],
      [2, 'retried'],
      [3, 'failed'],
    ])
  })

  it('never pauses for more than a day', async () => {
    const job = await running(test.db, { maxAttempts: 1000, backoffSeconds: 86_400 })
    await fail(test.db, { id: job.id, leaseToken: job.leaseToken, error })
    expect((await read(test.db, job.id)).runAt.getTime()).toBeLessThanOrEqual(
      (await clock.now()).getTime() + 86_400_000,
    )
  })

  it('fails at once if told so, or pauses as long as told', async () => {
    const job = await running(test.db)
    expect(
      await fail(test.db, {
        id: job.id,
        leaseToken: job.leaseToken,
        error: new TypeError('bad'),
        retryable: false,
      }),
    ).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'TypeError', message: 'bad' },
    })
    const other = await running(test.db)
    await fail(test.db, { id: other.id, leaseToken: other.leaseToken, error, retryInSeconds: 7 })
    expect((await read(test.db, other.id)).runAt).toEqual(new Date((await clock.now()).getTime() + 7000))
  })

  it('does not try again past the deadline', async () => {
    const job = await running(test.db, { deadlineAt: new Date((await clock.now()).getTime() + 1000) })
    await clock.advance(1)
    await fail(test.db, { id: job.id, leaseToken: job.leaseToken, error })
    expect(await read(test.db, job.id)).toMatchObject({ status: 'failed', error })
  })

  it('releases and snoozes without counting the attempt', async () => {
    const job = await running(test.db)
    expect(await release(test.db, job)).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'pending',
      attempt: 0,
      leaseToken: job.leaseToken,
    })
    const [again] = await claim(test.db, { queue: job.queue, workerId: 'w2' })
    expect(again).toMatchObject({ id: job.id, attempt: 1 })
    const token = again?.leaseToken ?? 0
    expect(token).toBeGreaterThan(job.leaseToken)
    expect(await snooze(test.db, { id: job.id, leaseToken: token, delaySeconds: 60 })).toBe('ok')
    expect(await claim(test.db, { queue: job.queue, workerId: 'w2' })).toEqual([])
    await clock.advance(60)
    expect(await claim(test.db, { queue: job.queue, workerId: 'w2' })).toMatchObject([
      { id: job.id, attempt: 1 },
    ])
    expect(
      (await jobAttempts(test.db, { id: job.id })).map(({ attempt, outcome }) => [attempt, outcome]),
    ).toEqual([
      [1, 'released'],
      [1, 'snoozed'],
    ])
  })

  it('cancels instead of retrying, releasing or snoozing when that was asked for, but lets a job complete', async () => {
    for (const settle of [
      (lease: { id: string; leaseToken: number }) => fail(test.db, { ...lease, error }),
      (lease: { id: string; leaseToken: number }) => release(test.db, lease),
      (lease: { id: string; leaseToken: number }) => snooze(test.db, { ...lease, delaySeconds: 1 }),
    ]) {
      const { id, leaseToken } = await running(test.db)
      await cancel(test.db, { id })
      expect(await settle({ id, leaseToken })).toBe('cancelled')
      expect(await read(test.db, id)).toMatchObject({ status: 'cancelled', completedAt: await clock.now() })
      expect(await jobAttempts(test.db, { id })).toMatchObject([{ outcome: 'cancelled' }])
      expect(await complete(test.db, { id, leaseToken })).toBe('cancelled')
    }
    const { id, leaseToken } = await running(test.db)
    await cancel(test.db, { id })
    expect(await complete(test.db, { id, leaseToken })).toBe('ok')
  })

  it('says held, cancel_requested or lost at a heartbeat, in order', async () => {
    const [a, b, c] = [await running(test.db), await running(test.db), await running(test.db)]
    await cancel(test.db, { id: b.id })
    await complete(test.db, { id: c.id, leaseToken: c.leaseToken })
    await clock.advance(50)
    const now = (await clock.now()).getTime()
    const leases = [c, a, { id: 'nobody', leaseToken: 1 }, b, { id: a.id, leaseToken: 7 }]
    expect(await heartbeat(test.db, { leases, leaseSeconds: 20 })).toEqual([
      { id: c.id, leaseToken: c.leaseToken, state: 'lost', leaseExpiresAt: null },
      { id: a.id, leaseToken: a.leaseToken, state: 'held', leaseExpiresAt: new Date(now + 20_000) },
      { id: 'nobody', leaseToken: 1, state: 'lost', leaseExpiresAt: null },
      {
        id: b.id,
        leaseToken: b.leaseToken,
        state: 'cancel_requested',
        leaseExpiresAt: new Date(now + 20_000),
      },
      { id: a.id, leaseToken: 7, state: 'lost', leaseExpiresAt: null },
    ])
    expect(await heartbeat(test.db, { leases: [a], leaseSeconds: 1 })).toMatchObject([
      { leaseExpiresAt: new Date(now + 20_000) },
    ])
    expect(await read(test.db, a.id)).toMatchObject({ heartbeatAt: new Date(now), startedAt: a.startedAt })
    expect(await heartbeat(test.db, { leases: [] })).toEqual([])
  })

  it('keeps progress and adds up usage, by model', async () => {
    const { id, leaseToken } = await running(test.db)
    const lease = { id, leaseToken }
    expect(await reportProgress(test.db, { ...lease, progress: 0.25, message: 'a quarter' })).toBe('ok')
    expect(await reportProgress(test.db, { ...lease, progress: 0.5 })).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({ progress: 0.5, progressMessage: 'a quarter' })
    await addUsage(test.db, { ...lease, model: 'small', inputTokens: 100, outputTokens: 10, cost: 0.1 })
    await addUsage(test.db, { ...lease, model: 'large"1', inputTokens: 1, outputTokens: 1, cost: 2 })
    expect(await addUsage(test.db, { ...lease, model: 'small', inputTokens: 5, cost: 0.2 })).toBe('ok')
    expect((await read(test.db, id)).usage).toEqual({
      model: 'small',
      input_tokens: 106,
      output_tokens: 11,
      cost: 2.3,
      by_model: {
        small: { input_tokens: 105, output_tokens: 10, cost: 0.3 },
        'large"1': { input_tokens: 1, output_tokens: 1, cost: 2 },
      },
    })
    await cancel(test.db, { id })
    expect(await reportProgress(test.db, { ...lease, progress: 0.75 })).toBe('cancelled')
    expect(await addUsage(test.db, { ...lease, model: 'small' })).toBe('cancelled')
    expect(await read(test.db, id)).toMatchObject({ status: 'running', progress: 0.75 })
  })

  it('says not_found', async () => {
    const lease = { id: 'nobody', leaseToken: 1 }
    expect(await complete(test.db, lease)).toBe('not_found')
    expect(await fail(test.db, { ...lease, error })).toBe('not_found')
    expect(await release(test.db, lease)).toBe('not_found')
    expect(await snooze(test.db, { ...lease, delaySeconds: 1 })).toBe('not_found')
    expect(await reportProgress(test.db, { ...lease, progress: 0 })).toBe('not_found')
    expect(await addUsage(test.db, { ...lease, model: 'm' })).toBe('not_found')
  })

  it('refuses wrong input', async () => {
    const lease = await running(test.db)
    const attempts: [() => Promise<unknown>, RegExp][] = [
      [() => reportProgress(test.db, { ...lease, progress: 1.01 }), /progress must be from 0 to 1, got 1.01/],
      [
        () => reportProgress(test.db, { ...lease, progress: Number.NaN }),
        /progress must be a number, got NaN/,
      ],
      [() => addUsage(test.db, { ...lease, model: 'm', cost: -1 }), /must be 0 or more, got 0, 0 and -1/],
      [() => addUsage(test.db, { ...lease, model: '' }), /model must be text of 1 to 255 bytes, got 0/],
      [() => fail(test.db, { ...lease, error, retryInSeconds: -1 }), /retryInSeconds must be from 0/],
      [() => snooze(test.db, { ...lease, delaySeconds: -1 }), /delaySeconds must be from 0/],
      [
        () => complete(test.db, { id: lease.id, leaseToken: 1, result: () => 1 }),
        /result must be a value that JSON can hold/,
      ],
      [
        () => complete(test.db, { id: lease.id } as never),
        /leaseToken must be a whole number, got undefined/,
      ],
      [() => complete(test.db, { id: 5, leaseToken: 1 } as never), /id must be a string, got number/],
      [() => heartbeat(test.db, { leases: [lease], leaseSeconds: -1 }), /leaseSeconds must be from/],
    ]
    for (const [attempt, message] of attempts) {
      await expect(attempt()).rejects.toThrow(message)
      await expect(attempt()).rejects.toThrow(InvalidInputError)
    }
    expect(await read(test.db, lease.id)).toEqual(lease)
  })
})
