import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  addUsage,
  cancel,
  claim,
  complete,
  enqueue,
  enqueueMany,
  fail,
  getJob,
  InvalidInputError,
  jobTree,
  latencyStats,
  listJobs,
  queueStats,
  stuckJobs,
  usageStats,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { running, uniqueName } from './fixtures.ts'

describeOnEachBackend('reading jobs', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('gets a job, or null', async () => {
    expect(await getJob(test.db, { id: 'nobody' })).toBeNull()
  })

  it('pages through jobs, the newest first, each once, also those of the same moment', async () => {
    const queue = uniqueName()
    for (let n = 0; n < 3; n += 1) {
      await enqueueMany(test.db, {
        jobs: Array.from({ length: 5 }, (_, m) => ({ intent: `${n}`, queue, id: `${queue}-${n}-${m}` })),
      })
      await clock.advance(0.000_001)
    }
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await listJobs(test.db, { queue, limit: 4, ...(after && { after }) })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next ?? undefined
    } while (after)
    const expected = [2, 1, 0].flatMap((n) => [4, 3, 2, 1, 0].map((m) => `${queue}-${n}-${m}`))
    expect(seen).toEqual(expected)
    expect((await listJobs(test.db, { queue, limit: 15 })).next).toBeNull()
  })

  it('filters', async () => {
    const queue = uniqueName()
    const since = await clock.now()
    const job = await running(test.db, { queue, intent: 'a', traceId: queue })
    const child = await enqueue(test.db, { intent: 'b', queue, mode: 'mcp', parentId: job.id })
    await clock.advance(5)
    const failed = await enqueue(test.db, { intent: 'c', queue })
    await cancel(test.db, { id: failed.id })
    const ids = async (options: object) =>
      (await listJobs(test.db, { queue, ...options })).items.map(({ id }) => id)
    expect(await ids({ statuses: ['running'] })).toEqual([job.id])
    expect(await ids({ statuses: ['running', 'cancelled'] })).toEqual([failed.id, job.id])
    expect(await ids({ statuses: [] })).toEqual([])
    expect(await ids({ intent: 'b' })).toEqual([child.id])
    expect(await ids({ modes: ['mcp'] })).toEqual([child.id])
    expect(await ids({ workerId: 'worker-1' })).toEqual([job.id])
    expect(await ids({ parentId: job.id })).toEqual([child.id])
    expect(await ids({ rootId: job.id })).toEqual([child.id])
    expect(await ids({ traceId: queue })).toEqual([job.id])
    expect(await ids({ since: await clock.now() })).toEqual([failed.id])
    expect((await ids({ since, until: await clock.now() })).sort()).toEqual([child.id, job.id].sort())
    await expect(ids({ after: 'nobody' })).rejects.toThrow(/after must be the id of a job .* got nobody/)
    await expect(ids({ limit: 0 })).rejects.toThrow(InvalidInputError)
    await expect(ids({ limit: 1001 })).rejects.toThrow(InvalidInputError)
  })

  it('shows a tree, each parent before its children', async () => {
    const queue = uniqueName()
    const add = async (intent: string, parentId?: string) => {
      await clock.advance(1)
      return (await enqueue(test.db, { intent, queue, ...(parentId && { parentId }) })).id
    }
    const root = await add('root')
    const a = await add('a', root)
    await add('b', root)
    const a1 = await add('a1', a)
    await add('a2', a)
    await add('a1x', a1)
    expect((await jobTree(test.db, { id: root })).map(({ depth, intent }) => [depth, intent])).toEqual([
      [0, 'root'],
      [1, 'a'],
      [2, 'a1'],
      [3, 'a1x'],
      [2, 'a2'],
      [1, 'b'],
    ])
    expect((await jobTree(test.db, { id: a }))[0]).toMatchObject({
      depth: 0,
      parentId: root,
      status: 'pending',
      usage: {},
      error: null,
    })
    expect(await jobTree(test.db, { id: 'nobody' })).toEqual([])
  })

  it('counts a queue', async () => {
    const queue = uniqueName()
    expect(await queueStats(test.db, { queue })).toEqual([])
    const oldest = await clock.now()
    await enqueueMany(test.db, {
      jobs: [
        ...Array.from({ length: 6 }, () => ({ intent: 'a', queue })),
        { intent: 'later', queue, runAt: new Date(oldest.getTime() + 3600_000) },
        { intent: 'asks', queue, waitReason: 'input' as const },
      ],
    })
    const [a, b, c] = await claim(test.db, { queue, workerId: 'w', limit: 4 })
    await clock.advance(10)
    await complete(test.db, { id: a?.id ?? '', leaseToken: a?.leaseToken ?? 0 })
    await fail(test.db, {
      id: b?.id ?? '',
      leaseToken: b?.leaseToken ?? 0,
      error: { code: 'x', message: 'x' },
      retryable: false,
    })
    await cancel(test.db, { id: c?.id ?? '' })
    await fail(test.db, {
      id: c?.id ?? '',
      leaseToken: c?.leaseToken ?? 0,
      error: { code: 'x', message: 'x' },
    })
    expect(await queueStats(test.db, { queue, period: '1 minute' })).toEqual([
      {
        queue,
        pending: 3,
        ready: 2,
        scheduled: 1,
        running: 1,
        waiting: 1,
        completed: 1,
        failed: 1,
        cancelled: 1,
        perSecond: 3 / 60,
        oldestPendingAt: oldest,
        oldestReadySeconds: 10,
      },
    ])
    expect(await queueStats(test.db, { queue, period: 5 })).toMatchObject([{ completed: 1 }])
    await clock.advance(60)
    expect(await queueStats(test.db, { queue, period: '1 minute' })).toMatchObject([
      { completed: 0, perSecond: 0 },
    ])
    await expect(queueStats(test.db, { period: 0 })).rejects.toThrow(
      /period must be an interval greater than 0/,
    )
    const rows = await queryRows(
      test.db,
      sql`SELECT completed FROM job_queue_stats WHERE queue_name = ${queue}`,
    )
    expect(rows.map(({ completed }) => Number(completed))).toEqual([1])
  })

  it('measures latency and usage', async () => {
    const queue = uniqueName()
    for (let n = 1; n <= 4; n += 1) {
      await enqueue(test.db, { intent: 'a', queue, mode: 'agent' })
      await clock.advance(n)
      const [job] = await claim(test.db, { queue, workerId: 'w' })
      await clock.advance(10 * n)
      const lease = { id: job?.id ?? '', leaseToken: job?.leaseToken ?? 0 }
      await addUsage(test.db, {
        ...lease,
        model: n % 2 ? 'odd' : 'even',
        inputTokens: n,
        outputTokens: 1,
        cost: n / 10,
      })
      await complete(test.db, lease)
    }
    expect(await latencyStats(test.db, { queue, period: '1 hour' })).toEqual([
      {
        queue,
        intent: 'a',
        mode: 'agent',
        jobs: 4,
        failed: 0,
        perSecond: 4 / 3600,
        queued: { p50: 2.5, p95: expect.closeTo(3.85), p99: expect.closeTo(3.97) },
        running: { p50: 25, p95: expect.closeTo(38.5), p99: expect.closeTo(39.7) },
        total: { p50: 27.5, p95: expect.closeTo(42.35), p99: expect.closeTo(43.67) },
      },
    ])
    expect(await usageStats(test.db, { queue })).toEqual([
      { model: 'even', jobs: 2, inputTokens: 6, outputTokens: 2, cost: 0.6 },
      { model: 'odd', jobs: 2, inputTokens: 4, outputTokens: 2, cost: 0.4 },
    ])
    for (const view of ['job_latency_stats', 'job_usage_stats', 'job_stuck']) {
      await queryRows(test.db, sql.raw(`SELECT * FROM ${view}`))
    }
  })

  it('finds what does not go on, and why', async () => {
    const queue = uniqueName()
    const now = (await clock.now()).getTime()
    const lost = await running(test.db, { queue, intent: 'lost' }, 30)
    const slow = await running(test.db, { queue, intent: 'slow' }, 9999)
    const stubborn = await running(test.db, { queue, intent: 'stubborn' }, 9999)
    await cancel(test.db, { id: stubborn.id })
    const late = await enqueue(test.db, {
      intent: 'late',
      queue,
      deadlineAt: new Date(now + 500_000),
      runAt: new Date(now + 3_600_000),
    })
    const alone = await enqueue(test.db, { intent: 'alone', queue })
    await clock.advance(1000)
    const found = (await stuckJobs(test.db, { queue, longerThan: 900 })).map(
      ({ id, reason }) => `${id} ${reason}`,
    )
    expect(found.sort()).toEqual(
      [
        `${lost.id} lease_expired`,
        `${lost.id} runs_long`,
        `${slow.id} runs_long`,
        `${stubborn.id} ignores_cancel`,
        `${stubborn.id} runs_long`,
        `${late.id} past_deadline`,
        `${alone.id} not_picked_up`,
      ].sort(),
    )
    expect(await stuckJobs(test.db, { queue, longerThan: 900, limit: 1 })).toMatchObject([
      { queue, since: expect.any(Date) },
    ])
  })
})
