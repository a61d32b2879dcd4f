import { beforeAll, expect, it } from 'vitest'
import { addUsage, complete, enqueue, getJob, prune, stuckJobs, usageStats } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { running, uniqueName } from './fixtures.ts'

describeOnEachBackend('upkeep of jobs', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('prunes what ended longest ago first', async () => {
    const queue = uniqueName()
    const ended: string[] = []
    for (let at = 0; at < 4; at++) {
      const job = await running(test.db, { queue })
      await clock.advance(60)
      await complete(test.db, { id: job.id, leaseToken: job.leaseToken })
      ended.push(job.id)
    }
    await clock.advance(3600)
    expect(await prune(test.db, { queue, olderThan: '1 hour', batch: 2 })).toBe(2)
    const left = await Promise.all(ended.map(async (id) => (await getJob(test.db, { id })) !== null))
    expect(left).toEqual([false, false, true, true])
  })

  it('counts what running, waiting and ended jobs have used', async () => {
    const queue = uniqueName()
    const spend = async (tokens: number) => {
      const job = await running(test.db, { queue })
      await addUsage(test.db, {
        id: job.id,
        leaseToken: job.leaseToken,
        model: 'm',
        inputTokens: tokens,
        outputTokens: 1,
        cost: 1,
      })
      return job
    }
    const ended = await spend(1)
    await complete(test.db, { id: ended.id, leaseToken: ended.leaseToken })
    await spend(10)
    expect(await usageStats(test.db, { queue })).toMatchObject([{ model: 'm', jobs: 2, inputTokens: 11 }])
  })

  it('reports a wait as stuck only after as long as was asked for', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'ask', queue, waitReason: 'approval' })
    // updated_at, by which waits are measured, is the database's clock and not the test's.
    const reasons = async (longerThan: string) =>
      (await stuckJobs(test.db, { queue, longerThan })).map((job) => [job.id, job.reason])
    expect(await reasons('0 seconds')).toEqual([[id, 'waits_long']])
    expect(await reasons('100 years')).toEqual([])
  })
})
