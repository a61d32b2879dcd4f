import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import {
  claim,
  complete,
  completeAndClaim,
  completeMany,
  type Database,
  enqueueMany,
  heartbeat,
  type Lease,
  takeBackExpired,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'

describeOnServer('a row that another transaction holds locked', (test) => {
  /** Locks a row for as long as `act` takes. */
  async function whileLocked<T>(id: string, act: () => Promise<T>): Promise<T> {
    const other = await test.connectAgain(1)
    return other.db.transaction(async (transaction) => {
      await transaction.execute(sql`UPDATE jobs SET trace_id = 'held' WHERE id = ${id}`)
      return act()
    })
  }

  async function leases(db: Database, count: number, leaseSeconds = 60): Promise<Lease[]> {
    const queue = uniqueName()
    await enqueueMany(db, { jobs: Array.from({ length: count }, () => ({ intent: 'a', queue })) })
    const jobs = await claim(db, { queue, workerId: 'w', limit: count, leaseSeconds })
    return jobs.map(({ id, leaseToken }) => ({ id, leaseToken }))
  }

  it('costs a worker none of its other leases', async () => {
    const held = await leases(test.db, 5)
    const before = (await read(test.db, held[0]?.id ?? '')).leaseExpiresAt
    await whileLocked(held[2]?.id ?? '', async () => {
      const states = await heartbeat(test.db, { leases: held, leaseSeconds: 3600 })
      expect(states.map(({ state }) => state)).toEqual(['held', 'held', 'locked', 'held', 'held'])
      expect(states[2]?.leaseExpiresAt).toEqual(before)
    })
    expect((await heartbeat(test.db, { leases: held })).map(({ state }) => state)).toEqual(
      held.map(() => 'held'),
    )
  })

  it('holds up no other completion', async () => {
    const held = await leases(test.db, 23)
    const last = held.at(-1) as Lease
    await whileLocked(last.id, async () => {
      const outcomes = (await completeMany(test.db, { jobs: held })).map(({ outcome }) => outcome)
      expect(outcomes).toEqual([...held.slice(1).map(() => 'ok'), 'locked'])
      const again = { ...last, queue: uniqueName(), workerId: 'w' }
      expect(await completeAndClaim(test.db, again)).toEqual({ outcome: 'locked', jobs: [] })
    })
    expect(await completeMany(test.db, { jobs: [last] })).toMatchObject([{ outcome: 'ok' }])
    expect(await complete(test.db, last)).toBe('stale_lease')
  })

  it('is not taken back, while others are', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: Array.from({ length: 3 }, () => ({ intent: 'a', queue })) })
    const jobs = await claim(test.db, { queue, workerId: 'w', limit: 3, leaseSeconds: 0.01 })
    await new Promise((resolve) => setTimeout(resolve, 30))
    const first = jobs[0]?.id ?? ''
    await whileLocked(first, async () => {
      expect(await takeBackExpired(test.db, { queue })).toBe(2)
    })
    expect(await takeBackExpired(test.db, { queue })).toBe(1)
  })
})
