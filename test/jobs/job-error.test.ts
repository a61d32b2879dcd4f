import vm from 'node:vm'
import { expect, it } from 'vitest'
import { claim, enqueue, enqueueMany, jobAttempts, waitForJob } from '../../src/index.ts'
import { toJobError } from '../../src/jobs/job-error.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'
import { workerStarter } from './workers.ts'

const circle: Record<string, unknown> = { name: 'circle' }
circle.self = circle
const revoked = Proxy.revocable({}, {})
revoked.revoke()

/** What real code throws, and what a job keeps of it. */
const thrown: [what: string, value: unknown, kept: object][] = [
  ['a NUL', new Error('a\u0000b'), { code: 'Error', message: 'a\uFFFDb' }],
  ['half of a pair', new Error('a\uD83Db'), { message: 'a\uFFFDb' }],
  ['a plain object', { status: 429 }, { code: 'error', message: '{"status":429}', detail: { status: 429 } }],
  ['a job error', { code: 'late', message: 'm', detail: [1] }, { code: 'late', message: 'm', detail: [1] }],
  ['a numeric code', Object.assign(new Error('x'), { code: 404 }), { code: '404', message: 'x' }],
  ['an object with one', { code: 7, message: 'x' }, { code: '7', message: 'x' }],
  ['an empty code', Object.assign(new TypeError('x'), { code: '' }), { code: 'TypeError' }],
  ['a circle', circle, { detail: { name: 'circle', self: '[circular]' } }],
  ['a BigInt', 12n, { code: 'error', message: '12' }],
  ['one inside', Object.assign(new Error('x'), { id: 12n }), { detail: { id: '12' } }],
  ['an array', ['a', 1], { code: 'error', message: '["a",1]' }],
  ['nothing', undefined, { message: 'undefined' }],
  ['null', null, { message: 'null' }],
  ['a text', 'so\u0000', { message: 'so\uFFFD' }],
  ['a symbol', Symbol('s'), { message: 'Symbol(s)' }],
  ['an object without a prototype', Object.create(null), { message: '{}' }],
  ['a revoked proxy', revoked.proxy, { code: 'error', message: 'something was thrown that cannot be read' }],
  [
    'an error of another realm',
    vm.runInNewContext('new TypeError("far")'),
    { code: 'TypeError', message: 'far' },
  ],
  [
    'a cause',
    new Error('outer', { cause: Object.assign(new TypeError('inner'), { code: 'E1' }) }),
    { detail: { cause: { name: 'TypeError', message: 'inner', code: 'E1' } } },
  ],
  [
    'an AggregateError',
    new AggregateError([new Error('one'), 'two'], 'both'),
    { code: 'AggregateError', message: 'both', detail: { errors: [{ message: 'one' }, 'two'] } },
  ],
  [
    'a getter that throws',
    Object.defineProperty(new Error('x'), 'data', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    }),
    { message: 'x', detail: { data: '[unreadable]' } },
  ],
]

it('keeps of everything that is thrown what it can, and no more than is bounded', () => {
  for (const [what, value, kept] of thrown) expect(toJobError(value), what).toMatchObject(kept)
  expect(toJobError(new Error('x')).detail).toMatchObject({
    stack: expect.stringContaining('job-error.test'),
  })
  const huge = Object.assign(new Error('m'.repeat(1e6)), {
    body: 'b'.repeat(1e6),
    many: Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`key${n}`, n])),
  })
  expect(JSON.stringify(toJobError(huge)).length).toBeLessThan(80_000)
  let deep: unknown = new Error('deepest')
  for (let n = 0; n < 10_000; n += 1) deep = new Error('above', { cause: deep })
  expect(JSON.stringify(toJobError(deep)).length).toBeLessThan(80_000)
  let wide: unknown = 'x'.repeat(10_000)
  for (let n = 0; n < 8; n += 1) wide = Array.from({ length: 20 }, () => wide)
  expect(JSON.stringify(toJobError(wide)).length).toBeLessThan(300_000)
})

describeOnEachBackend('what handlers throw', (test) => {
  const { start } = workerStarter(test)

  it('is stored, and never ends a job that may be tried again', async () => {
    const queue = uniqueName()
    const jobs = await enqueueMany(test.db, {
      jobs: thrown.map((_, at) => ({
        intent: 'a',
        queue,
        inputs: { at },
        maxAttempts: 2,
        backoffSeconds: 0.01,
      })),
    })
    start(
      {
        a: ({ attempt, inputs }) => {
          if (attempt === 1) throw thrown[Number(inputs.at)]?.[1]
          return 'well'
        },
      },
      { queue, onError: () => {} },
    )
    for (const [at, { id }] of jobs.entries()) {
      const what = thrown[at]?.[0]
      expect(await waitForJob(test.db, { id, timeout: 20 }), what).toMatchObject({ status: 'completed' })
      const [first] = await jobAttempts(test.db, { id })
      expect(first, what).toMatchObject({ outcome: 'retried', error: thrown[at]?.[2] })
    }
  })

  it('pauses as long as the error says, as far as that makes sense', async () => {
    const queue = uniqueName()
    const pauses: [retryInSeconds: unknown, least: number, most: number][] = [
      [Number.NaN, 50, 100],
      ['5', 50, 100],
      [-5, -1, 1],
      [7, 6, 8],
      [Number.POSITIVE_INFINITY, 31_535_000, 31_536_001],
      [Number.NEGATIVE_INFINITY, -1, 1],
    ]
    for (const [retryInSeconds, least, most] of pauses) {
      const own = `${queue}:${String(retryInSeconds)}`
      const { id } = await enqueue(test.db, { intent: 'a', queue: own, backoffSeconds: 100 })
      const worker = start(
        {
          a: () => {
            throw Object.assign(new Error('x'), { retryInSeconds })
          },
        },
        { queue: own, pollMilliseconds: 5000, maxPollMilliseconds: 5000, onError: () => {} },
      )
      await expect.poll(async () => (await jobAttempts(test.db, { id })).length, { timeout: 20_000 }).toBe(1)
      await worker.stop()
      const { status, runAt, updatedAt } = await read(test.db, id)
      expect(status).toBe('pending')
      const pause = (runAt.getTime() - updatedAt.getTime()) / 1000
      expect(pause, String(retryInSeconds)).toBeGreaterThanOrEqual(least)
      expect(pause, String(retryInSeconds)).toBeLessThanOrEqual(most)
      await claim(test.db, { queue: own, workerId: 'other' })
    }
  })
})
