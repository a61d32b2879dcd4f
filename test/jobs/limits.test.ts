import { beforeAll, expect, it } from 'vitest'
import {
  claim,
  complete,
  completeMany,
  countJobs,
  type Database,
  dropJobLimit,
  enqueueMany,
  fail,
  InvalidInputError,
  pauseQueue,
  resumeQueue,
  setJobLimit,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { uniqueName } from './fixtures.ts'

const workerId = 'w'

describeOnEachBackend('limits by key', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  async function queueOf(...keys: (string | null)[]): Promise<string> {
    const queue = uniqueName()
    const jobs = keys.map((limitKey, n) => ({
      intent: `${limitKey}-${n}`,
      queue,
      ...(limitKey && { limitKey }),
    }))
    await enqueueMany(test.db, { jobs })
    return queue
  }
  const next = async (queue: string, limit = 1) =>
    (await claim(test.db, { queue, workerId, limit })).map(({ intent }) => intent)

  it('let so many run at the same time, and skip the rest', async () => {
    const queue = await queueOf('ana', 'ana', 'ana', 'bob')
    await setJobLimit(test.db, { queue, key: 'ana', maxRunning: 2 })
    const jobs = await claim(test.db, { queue, workerId, limit: 10 })
    expect(jobs.map(({ limitKey }) => limitKey).sort()).toEqual(['ana', 'ana', 'bob'])
    expect(await next(queue, 10)).toEqual([])
    const ana = jobs.find(({ limitKey }) => limitKey === 'ana')
    await complete(test.db, { id: ana?.id ?? '', leaseToken: ana?.leaseToken ?? 0 })
    expect(await next(queue, 10)).toEqual(['ana-2'])
  })

  it('hand out at once what the same call takes back, where nothing else waits', async () => {
    const queue = await queueOf('ana')
    await setJobLimit(test.db, { queue, key: 'ana', maxRunning: 1 })
    expect(await claim(test.db, { queue, workerId, leaseSeconds: 1 })).toHaveLength(1)
    await clock.advance(1)
    expect(await next(queue)).toEqual(['ana-0'])
  })

  it('have a rule for every key, and rules of single keys before it', async () => {
    const queue = await queueOf('ana', 'ana', 'bob', 'bob', 'bob')
    await setJobLimit(test.db, { queue, key: '*', maxRunning: 1 })
    await setJobLimit(test.db, { queue, key: 'bob', maxRunning: 2 })
    expect((await next(queue, 10)).sort()).toEqual(['ana-0', 'bob-2', 'bob-3'])
    expect(await dropJobLimit(test.db, { queue, key: 'bob' })).toBe(true)
    expect(await dropJobLimit(test.db, { queue, key: 'bob' })).toBe(false)
    expect(await next(queue, 10)).toEqual([])
    expect(await dropJobLimit(test.db, { queue, key: '*' })).toBe(true)
    expect((await next(queue, 10)).sort()).toEqual(['ana-1', 'bob-4'])
  })

  it('let so many start in a period, evenly, but for the burst', async () => {
    const queue = await queueOf(...Array.from({ length: 20 }, () => 'ana'))
    await setJobLimit(test.db, { queue, key: 'ana', rate: { limit: 6, period: 60, burst: 3 } })
    expect(await next(queue, 10)).toHaveLength(3)
    expect(await next(queue, 10)).toEqual([])
    await clock.advance(9.9)
    expect(await next(queue, 10)).toEqual([])
    await clock.advance(0.1)
    expect(await next(queue, 10)).toHaveLength(1)
    await clock.advance(20)
    expect(await next(queue, 10)).toHaveLength(2)
    await clock.advance(3600)
    expect(await next(queue, 10)).toHaveLength(3)
  })

  it('let keys take turns within a priority, and jobs without a key among them', async () => {
    const many = Array.from({ length: 100 }, () => 'big')
    const queue = await queueOf(...many, 'small', null, null, 'tiny')
    const order = (await claim(test.db, { queue, workerId, limit: 8 })).map(({ limitKey }) => limitKey)
    expect(order).toEqual(expect.arrayContaining(['small', 'tiny', 'big', null]))
    expect(order.filter((key) => key === null)).toHaveLength(2)
    const urgent = { intent: 'urgent', queue, limitKey: 'big', priority: 1 }
    await enqueueMany(test.db, { jobs: [urgent, { ...urgent, intent: 'urgent too' }] })
    expect(await next(queue, 2)).toEqual(['urgent', 'urgent too'])
  })

  it('let one key not starve another, claim by claim', async () => {
    const queue = await queueOf(...Array.from({ length: 50 }, () => 'a'), 'b', 'c', 'd')
    const seen = new Set<string>()
    for (let n = 0; n < 4; n += 1) for (const intent of await next(queue)) seen.add(intent.slice(0, 1))
    expect(seen).toEqual(new Set(['a', 'b', 'c', 'd']))
  })

  it('hold for the modes and intents that are asked for', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: [
        { intent: 'x', queue, limitKey: 'k', mode: 'mcp' },
        { intent: 'y', queue, limitKey: 'k' },
        { intent: 'z', queue, limitKey: 'l' },
        { intent: 'y', queue },
      ],
    })
    const of = async (what: object) =>
      (await claim(test.db, { queue, workerId, limit: 9, ...what })).map(({ intent, limitKey }) => [
        intent,
        limitKey,
      ])
    expect(await of({ intents: ['nothing'] })).toEqual([])
    expect((await of({ intents: ['y'] })).sort()).toEqual(
      [
        ['y', 'k'],
        ['y', null],
      ].sort(),
    )
    expect(await of({ modes: ['mcp'] })).toEqual([['x', 'k']])
    expect(await of({})).toEqual([['z', 'l']])
  })

  it('refuse what cannot work', async () => {
    for (const [options, message] of [
      [{ key: 'k' }, /a limit needs a maxRunning or a/],
      [{ key: '', maxRunning: 1 }, /must have from 1 to 1024 bytes, got 0/],
      [{ key: 'k', maxRunning: -1 }, /maxRunning must be 0 or more, got -1/],
      [{ key: 'k', maxRunning: 1.5 }, /maxRunning must be a whole number/],
      [{ key: 'k', rate: { limit: 0 } }, /must be above 0/],
      [{ key: 'k', rate: { limit: Number.POSITIVE_INFINITY } }, /must be above 0, at most 1000000/],
      [{ key: 'k', rate: { limit: 1, period: 0 } }, /must be longer than nothing/],
      [{ key: 'k', rate: { limit: 1, burst: 0 } }, /must be from 1/],
    ] as const) {
      await expect(setJobLimit(test.db, options)).rejects.toThrow(InvalidInputError)
      await expect(setJobLimit(test.db, options)).rejects.toThrow(message)
    }
    await expect(
      enqueueMany(test.db, { jobs: [{ intent: 'a', queue: uniqueName(), limitKey: '*' }] }),
    ).rejects.toThrow(/\* is the rule of every key, not a key/)
  })
})

describeOnEachBackend('a paused queue', (test) => {
  it('gives nothing until it goes on; what runs is settled', async () => {
    const queue = uniqueName()
    const jobs = [
      { intent: 'a', queue },
      { intent: 'b', queue },
    ]
    await enqueueMany(test.db, { jobs })
    const [a] = await claim(test.db, { queue, workerId })
    expect(await pauseQueue(test.db, { queue, reason: 'the model is down' })).toBe(true)
    expect(await pauseQueue(test.db, { queue })).toBe(false)
    expect(await claim(test.db, { queue, workerId })).toEqual([])
    expect(await complete(test.db, { id: a?.id ?? '', leaseToken: a?.leaseToken ?? 0 })).toBe('ok')
    await enqueueMany(test.db, { jobs: [{ intent: 'c', queue }] })
    expect(await resumeQueue(test.db, { queue })).toBe(true)
    expect(await resumeQueue(test.db, { queue })).toBe(false)
    expect(await claim(test.db, { queue, workerId, limit: 9 })).toHaveLength(2)
  })
})

describeOnServer('limits under sixteen workers', (test) => {
  /** Works on a queue until it is empty. @returns the highest number of jobs of each key that ran together. */
  async function workOff(db: Database, queue: string, keys: readonly string[]): Promise<Map<string, number>> {
    const running = new Map<string, number>(keys.map((key) => [key, 0]))
    const most = new Map(running)
    const started = performance.now()
    let left = true
    const worker = async () => {
      while (left && performance.now() - started < 40_000) {
        const jobs = await claim(db, { queue, workerId, limit: 1 + Math.floor(Math.random() * 3) })
        if (jobs.length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 10))
          const { pending = 0, running: held = 0 } = await countJobs(db, { filter: { queue } })
          left = pending + held > 0
          continue
        }
        for (const { limitKey } of jobs) {
          const now = (running.get(limitKey ?? '') ?? 0) + 1
          running.set(limitKey ?? '', now)
          most.set(limitKey ?? '', Math.max(now, most.get(limitKey ?? '') ?? 0))
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        // Counted down before the database hears of it: the count here is never above the true one.
        for (const { limitKey } of jobs) running.set(limitKey ?? '', (running.get(limitKey ?? '') ?? 0) - 1)
        const [first, ...rest] = jobs
        if (first && Math.random() < 0.2) {
          await fail(db, { id: first.id, leaseToken: first.leaseToken, error: 'again', retryInSeconds: 0 })
          await completeMany(db, { jobs: rest.map(({ id, leaseToken }) => ({ id, leaseToken })) })
        } else await completeMany(db, { jobs: jobs.map(({ id, leaseToken }) => ({ id, leaseToken })) })
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    expect(left).toBe(false)
    return most
  }

  it('are exact', { timeout: 120_000 }, async () => {
    const { db } = await test.connectAgain(16)
    const queue = uniqueName()
    const keys = ['one', 'two', 'five']
    await setJobLimit(db, { queue, key: 'one', maxRunning: 1 })
    await setJobLimit(db, { queue, key: '*', maxRunning: 2 })
    await setJobLimit(db, { queue, key: 'five', maxRunning: 5 })
    await enqueueMany(db, {
      jobs: Array.from({ length: 240 }, (_, n) => ({
        intent: 'a',
        queue,
        limitKey: keys[n % 3] ?? '',
        maxAttempts: 100,
      })),
    })
    const most = await workOff(db, queue, keys)
    expect(most.get('one')).toBe(1)
    expect(most.get('two')).toBeLessThanOrEqual(2)
    expect(most.get('five')).toBeLessThanOrEqual(5)
    expect(most.get('five')).toBeGreaterThan(1)
  })

  it('are exact for rates', { timeout: 60_000 }, async () => {
    const { db } = await test.connectAgain(16)
    const queue = uniqueName()
    await setJobLimit(db, { queue, key: 'k', rate: { limit: 20, period: 1, burst: 5 } })
    await enqueueMany(db, {
      jobs: Array.from({ length: 400 }, () => ({ intent: 'a', queue, limitKey: 'k' })),
    })
    const starts: number[] = []
    const until = performance.now() + 3000
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (performance.now() < until) {
          for (const { startedAt } of await claim(db, { queue, workerId, limit: 2 }))
            starts.push(Number(startedAt))
        }
      }),
    )
    const first = Math.min(...starts)
    starts.sort((a, b) => a - b)
    // GCRA: the n-th start is never before (n - burst) periods of 50 ms; whole milliseconds are what a Date has.
    for (const [n, at] of starts.entries()) expect(at - first).toBeGreaterThanOrEqual((n - 4) * 50 - 2)
    expect(starts.length).toBeGreaterThan(5)
  })
})
