import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  cancel,
  cancelJobs,
  changeJob,
  claim,
  complete,
  countJobs,
  enqueue,
  enqueueChildren,
  enqueueMany,
  fail,
  failMany,
  InvalidInputError,
  jobAttempts,
  listJobs,
  prune,
  release,
  retry,
  retryJobs,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

const workerId = 'w'
const error = { code: 'timeout', message: 'no answer' }

describeOnEachBackend('jobs in the hands of operators', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('are changed while they are pending', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'a', queue, inputs: { n: 1 } })
    const runAt = new Date((await clock.now()).getTime() + 60_000)
    expect(await changeJob(test.db, { id, runAt, priority: 7 })).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({ runAt, priority: 7, inputs: { n: 1 } })
    expect(await changeJob(test.db, { id, runAt: await clock.now(), inputs: { n: 2 } })).toBe('ok')
    expect(await claim(test.db, { queue, workerId })).toMatchObject([{ priority: 7, inputs: { n: 2 } }])
    expect(await changeJob(test.db, { id, priority: 1 })).toBe('wrong_status')
    expect(await changeJob(test.db, { id: 'nobody' })).toBe('not_found')
    await expect(changeJob(test.db, { id, priority: 99_999 })).rejects.toThrow(/priority must be from/)
    const other = await enqueue(test.db, { intent: 'a', queue })
    await expect(changeJob(test.db, { id: other.id, inputs: [] as never })).rejects.toThrow(InvalidInputError)
  })

  it('are counted, cancelled, retried and pruned by a filter', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: Array.from({ length: 10 }, (_, n) => ({
        intent: n < 6 ? 'embed' : 'mail',
        queue,
        maxAttempts: 1,
      })),
    })
    const filter = { queue, intent: 'embed' }
    expect(await countJobs(test.db, { filter })).toEqual({ pending: 6 })
    const [held] = await claim(test.db, { queue, workerId })
    expect(await cancelJobs(test.db, { filter, limit: 4 })).toBe(4)
    expect(await cancelJobs(test.db, { filter })).toBe(2)
    expect(await cancelJobs(test.db, { filter })).toBe(0)
    expect(await countJobs(test.db, { filter })).toEqual({ running: 1, cancelled: 5 })
    expect(await fail(test.db, { id: held?.id ?? '', leaseToken: held?.leaseToken ?? 0, error })).toBe(
      'cancelled',
    )
    expect(await retryJobs(test.db, { filter: { ...filter, errorCode: 'timeout' } })).toBe(1)
    expect(await retryJobs(test.db, { filter })).toBe(5)
    expect(await retryJobs(test.db, { filter })).toBe(0)
    expect(await countJobs(test.db, { filter: { queue, statuses: ['pending'] } })).toEqual({ pending: 10 })
    await cancelJobs(test.db, { filter: { queue } })
    expect(await prune(test.db, { olderThan: 0, filter })).toBe(6)
    expect(await countJobs(test.db, { filter: { queue } })).toEqual({ cancelled: 4 })
  })

  it('are never all of them by a slip', async () => {
    for (const filter of [
      { queue: undefined },
      { queu: 'x' },
      null,
      [],
      { ids: 'x' },
      { statuses: [1] },
    ] as never[]) {
      await expect(cancelJobs(test.db, { filter })).rejects.toThrow(InvalidInputError)
      await expect(countJobs(test.db, { filter })).rejects.toThrow(/filter/)
    }
    const sneaky = `x' OR true --`
    expect(await cancelJobs(test.db, { filter: { queue: sneaky, ids: [sneaky] } })).toBe(0)
  })

  it('that failed are the dead letters', async () => {
    const queue = uniqueName()
    const job = await running(test.db, { queue, maxAttempts: 1 })
    await fail(test.db, { id: job.id, leaseToken: job.leaseToken, error })
    expect(
      await queryRows(
        test.db,
        sql`SELECT id, error_code, error_message FROM job_dead_letters WHERE queue = ${queue}`,
      ),
    ).toEqual([{ id: job.id, error_code: 'timeout', error_message: 'no answer' }])
    await retry(test.db, { id: job.id })
    expect(await queryRows(test.db, sql`SELECT id FROM job_dead_letters WHERE queue = ${queue}`)).toEqual([])
  })

  it('are listed without their documents', async () => {
    const queue = uniqueName()
    await enqueue(test.db, { intent: 'a', queue, inputs: { text: 'x'.repeat(100_000) } })
    const { items } = await listJobs(test.db, { queue, columns: ['intent', 'limitKey'] })
    expect(items).toEqual([{ id: expect.any(String), intent: 'a', limitKey: null }])
    await expect(listJobs(test.db, { columns: ['nothing' as never] })).rejects.toThrow(InvalidInputError)
  })

  it('fail many at once, each by its own rules', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: [1, 2, 3, 4].map((n) => ({ intent: `${n}`, queue, priority: -n, maxAttempts: n === 1 ? 1 : 3 })),
    })
    const jobs = await claim(test.db, { queue, workerId, limit: 4 })
    const [a, b, c, d] = jobs.map(({ id, leaseToken }) => ({ id, leaseToken }))
    if (!a || !b || !c || !d) throw new Error('expected four jobs')
    await cancel(test.db, { id: d.id })
    expect(
      await failMany(test.db, {
        jobs: [
          { ...c, error: new TypeError('not a number'), retryable: false },
          { id: 'nobody', leaseToken: 1, error },
          { ...a, error },
          { ...b, error, retryInSeconds: 30 },
          { ...d, error },
          { ...a, leaseToken: a.leaseToken - 1, error },
        ],
      }),
    ).toEqual([
      { id: c.id, outcome: 'ok' },
      { id: 'nobody', outcome: 'not_found' },
      { id: a.id, outcome: 'ok' },
      { id: b.id, outcome: 'ok' },
      { id: d.id, outcome: 'cancelled' },
      { id: a.id, outcome: 'stale_lease' },
    ])
    expect(await read(test.db, a.id)).toMatchObject({ status: 'failed', error })
    expect(await read(test.db, b.id)).toMatchObject({
      status: 'pending',
      runAt: new Date((await clock.now()).getTime() + 30_000),
    })
    expect(await read(test.db, c.id)).toMatchObject({ status: 'failed', error: { message: 'not a number' } })
    expect((await jobAttempts(test.db, { id: b.id })).map(({ outcome }) => outcome)).toEqual(['retried'])
    expect(await failMany(test.db, { jobs: [] })).toEqual([])
    await expect(failMany(test.db, { jobs: [{ ...b, error, retryInSeconds: -1 }] })).rejects.toThrow(
      /element 0: retryInSeconds must be from 0/,
    )
  })

  it('are replaced by the newest while they are pending: a debounce', async () => {
    const queue = uniqueName()
    const say = async (text: string) =>
      enqueue(test.db, {
        intent: 'index',
        queue,
        singletonKey: 'page-1',
        inputs: { text },
        runAt: new Date((await clock.now()).getTime() + 5000),
        onDuplicate: 'replace',
      })
    const first = await say('one')
    await clock.advance(4)
    expect(await say('two')).toEqual({ id: first.id, status: 'pending', created: false })
    await clock.advance(4)
    expect(await claim(test.db, { queue, workerId })).toEqual([])
    await clock.advance(1)
    expect(await claim(test.db, { queue, workerId })).toMatchObject([
      { id: first.id, inputs: { text: 'two' } },
    ])
    expect(await say('three')).toEqual({ id: first.id, status: 'running', created: false })
    expect(await read(test.db, first.id)).toMatchObject({ inputs: { text: 'two' } })
  })

  it('are unique within a window', async () => {
    const queue = uniqueName()
    const job = { intent: 'a', queue, idempotencyKey: 'k', idempotencySeconds: 60 }
    const first = await enqueue(test.db, job)
    await clock.advance(59)
    expect(await enqueue(test.db, job)).toMatchObject({ id: first.id, created: false })
    await clock.advance(1)
    const second = await enqueue(test.db, job)
    expect(second.created).toBe(true)
    expect(second.id).not.toBe(first.id)
    expect(await enqueue(test.db, { ...job, idempotencySeconds: 3600 })).toMatchObject({
      id: second.id,
      created: false,
    })
    await expect(enqueue(test.db, { ...job, idempotencySeconds: 0 })).rejects.toThrow(
      /idempotencySeconds must be above 0/,
    )
  })

  it('do not pay for a lost worker with an attempt, unless they say so; ten losses are enough', async () => {
    for (const [onLost, attempts] of [
      ['retry', 10],
      ['fail', 3],
    ] as const) {
      const queue = uniqueName()
      const { id } = await enqueue(test.db, { intent: 'a', queue, onLost })
      let leases = 0
      while ((await claim(test.db, { queue, workerId, leaseSeconds: 1 })).length > 0) {
        leases += 1
        expect((await read(test.db, id)).attempt).toBe(onLost === 'retry' ? 1 : leases)
        await clock.advance(2)
      }
      expect(leases).toBe(attempts)
      expect(await read(test.db, id)).toMatchObject({ status: 'failed', error: { code: 'lease_lost' } })
      expect(await retry(test.db, { id })).toBe('ok')
      expect(await read(test.db, id)).toMatchObject({ losses: 0, attempt: 0 })
    }
  })

  it('have a time limit for an attempt', async () => {
    const job = await running(test.db, { attemptTimeoutSeconds: 30, maxAttempts: 2 }, 20)
    const lease = { id: job.id, leaseToken: job.leaseToken }
    await clock.advance(15)
    const { heartbeat } = await import('../../src/index.ts')
    expect(await heartbeat(test.db, { leases: [lease], leaseSeconds: 60 })).toMatchObject([
      { state: 'held', leaseExpiresAt: new Date((job.startedAt?.getTime() ?? 0) + 30_000) },
    ])
    await clock.advance(15)
    expect(await heartbeat(test.db, { leases: [lease] })).toMatchObject([{ state: 'timed_out' }])
    const [second] = await claim(test.db, { queue: job.queue, workerId, leaseSeconds: 300 })
    expect(second).toMatchObject({ id: job.id, attempt: 2, losses: 0, error: { code: 'attempt_timeout' } })
    await clock.advance(30)
    expect(await claim(test.db, { queue: job.queue, workerId })).toEqual([])
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'attempt_timeout' },
    })
  })

  it('have attempts that never begin before the one before has ended', async () => {
    const job = await running(test.db)
    await clock.advance(5)
    await release(test.db, { id: job.id, leaseToken: job.leaseToken })
    // A claim that read the clock before the release and took the job after it.
    await clock.advance(-3)
    const [again] = await claim(test.db, { queue: job.queue, workerId })
    const [attempt] = await jobAttempts(test.db, { id: job.id })
    expect(again?.startedAt).toEqual(attempt?.finishedAt)
  })
})

describeOnEachBackend('children of a parent', (test) => {
  it('are accepted all or none', async () => {
    const parent = await running(test.db)
    const lease = { id: parent.id, leaseToken: parent.leaseToken }
    const queue = uniqueName()
    const children = [1, 2, 3].map((n) => ({ intent: 'page', queue, idempotencyKey: `${parent.id}-${n}` }))
    await expect(
      enqueueChildren(test.db, { ...lease, children: [...children, { intent: '', queue }] }),
    ).rejects.toThrow(/element 3/)
    expect(await countJobs(test.db, { filter: { parentId: parent.id } })).toEqual({})
    const made = await enqueueChildren(test.db, { ...lease, children })
    expect(made.map(({ created }) => created)).toEqual([true, true, true])
    expect(await enqueueChildren(test.db, { id: parent.id, children })).toEqual(
      made.map((child) => ({ ...child, created: false })),
    )
    expect(await read(test.db, made[0]?.id ?? '')).toMatchObject({ parentId: parent.id, rootId: parent.id })
    await complete(test.db, lease)
    await expect(enqueueChildren(test.db, { ...lease, children })).rejects.toMatchObject({
      name: 'ConflictError',
    })
    expect(await enqueueChildren(test.db, { id: parent.id, children: [] })).toEqual([])
  })

  it('that failed run again with their parent, and what was completed is kept', async () => {
    const parent = await running(test.db)
    const queue = uniqueName()
    const children = ['good', 'bad'].map((intent) => ({ intent, queue, maxAttempts: 1 }))
    const [good, bad] = await enqueueChildren(test.db, { id: parent.id, children })
    await waitFor(test.db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' })
    for (const job of await claim(test.db, { queue, workerId, limit: 2 })) {
      const lease = { id: job.id, leaseToken: job.leaseToken }
      if (job.intent === 'good') await complete(test.db, { ...lease, result: 'kept' })
      else await fail(test.db, { ...lease, error })
    }
    expect(await read(test.db, parent.id)).toMatchObject({
      status: 'failed',
      error: { code: 'child_failed' },
    })
    expect(await retry(test.db, { id: parent.id })).toBe('ok')
    expect(await read(test.db, parent.id)).toMatchObject({
      status: 'waiting',
      waitReason: 'children',
      error: null,
    })
    expect(await read(test.db, good?.id ?? '')).toMatchObject({ status: 'completed', result: 'kept' })
    const [again] = await claim(test.db, { queue, workerId, limit: 2 })
    expect(again).toMatchObject({ id: bad?.id, attempt: 1 })
    await complete(test.db, { id: again?.id ?? '', leaseToken: again?.leaseToken ?? 0 })
    expect(await read(test.db, parent.id)).toMatchObject({ status: 'pending' })
  })
})
