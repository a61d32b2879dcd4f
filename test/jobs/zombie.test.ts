import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import {
  addUsage,
  claim,
  complete,
  completeMany,
  enqueue,
  fail,
  heartbeat,
  type Job,
  jobAttempts,
  type Lease,
  release,
  reportProgress,
  snooze,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running } from './fixtures.ts'

describeOnEachBackend('a worker whose lease was taken over', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  async function takenOver(): Promise<{ old: Job; current: Job }> {
    const old = await running(test.db)
    await clock.advance(61)
    const [current] = await claim(test.db, { queue: old.queue, workerId: 'worker-2' })
    if (current?.id !== old.id) throw new Error('the job was not taken over')
    return { old, current }
  }

  it.each<[string, (lease: Lease) => Promise<unknown>]>([
    ['complete', ({ id, leaseToken }) => complete(test.db, { id, leaseToken, result: 'of the zombie' })],
    [
      'completeMany',
      async ({ id, leaseToken }) =>
        (await completeMany(test.db, { jobs: [{ id, leaseToken, result: 'z' }] }))[0]?.outcome,
    ],
    ['fail', ({ id, leaseToken }) => fail(test.db, { id, leaseToken, error: { code: 'z', message: 'z' } })],
    ['release', ({ id, leaseToken }) => release(test.db, { id, leaseToken })],
    ['snooze', ({ id, leaseToken }) => snooze(test.db, { id, leaseToken, delaySeconds: 9 })],
    [
      'reportProgress',
      ({ id, leaseToken }) => reportProgress(test.db, { id, leaseToken, progress: 0.9, message: 'z' }),
    ],
    ['addUsage', ({ id, leaseToken }) => addUsage(test.db, { id, leaseToken, model: 'z', cost: 9 })],
    [
      'waitFor',
      async ({ id, leaseToken }) => (await waitFor(test.db, { id, leaseToken, reason: 'input' })).outcome,
    ],
    [
      'waitFor children',
      async ({ id, leaseToken }) => (await waitFor(test.db, { id, leaseToken, reason: 'children' })).outcome,
    ],
  ])('gets stale_lease from %s and changes nothing', async (_, act) => {
    const { old, current } = await takenOver()
    expect(await act(old)).toBe('stale_lease')
    expect(await read(test.db, old.id)).toEqual(current)
    expect(
      await complete(test.db, { id: current.id, leaseToken: current.leaseToken, result: 'of the living' }),
    ).toBe('ok')
    expect(await act(old)).toBe('stale_lease')
    expect(await read(test.db, old.id)).toMatchObject({
      status: 'completed',
      result: 'of the living',
      workerId: 'worker-2',
    })
    expect(
      (await jobAttempts(test.db, { id: old.id })).map(({ leaseToken, outcome }) => [leaseToken, outcome]),
    ).toEqual([
      [old.leaseToken, 'lease_lost'],
      [current.leaseToken, 'completed'],
    ])
  })

  it('is not taken for the living after a failover that lost the latest commits', async () => {
    const old = await running(test.db)
    await clock.advance(1)
    // The row as the promoted standby has it, which never heard of the claim.
    await test.db.execute(sql`DELETE FROM jobs WHERE id = ${old.id}`)
    await enqueue(test.db, { intent: 'test', id: old.id, queue: old.queue })
    const [current] = await claim(test.db, { queue: old.queue, workerId: 'worker-2' })
    expect(current?.leaseToken).toBeGreaterThan(old.leaseToken)
    expect(Number.isSafeInteger(current?.leaseToken)).toBe(true)
    const lease = { id: old.id, leaseToken: old.leaseToken }
    expect(await heartbeat(test.db, { leases: [lease] })).toMatchObject([{ state: 'lost' }])
    expect(await complete(test.db, { ...lease, result: 'of the zombie' })).toBe('stale_lease')
    expect(await read(test.db, old.id)).toEqual(current)
    // A clock that was set back makes no token smaller.
    await release(test.db, { id: old.id, leaseToken: current?.leaseToken ?? 0 })
    await clock.advance(-3600)
    const [later] = await claim(test.db, { queue: old.queue, workerId: 'worker-3' })
    expect(later ?? null).toBeNull()
    await clock.advance(3600)
    const [last] = await claim(test.db, { queue: old.queue, workerId: 'worker-3' })
    expect(last?.leaseToken).toBe((current?.leaseToken ?? 0) + 1)
  })

  it('learns of it at its heartbeat', async () => {
    const { old, current } = await takenOver()
    expect(await heartbeat(test.db, { leases: [old, current] })).toMatchObject([
      { state: 'lost' },
      { state: 'held' },
    ])
  })

  it('may still settle a lease that ran out as long as nobody has taken it back', async () => {
    const job = await running(test.db)
    await clock.advance(999)
    expect(await complete(test.db, { id: job.id, leaseToken: job.leaseToken })).toBe('ok')
  })
})
