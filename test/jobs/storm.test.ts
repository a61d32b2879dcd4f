import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  cancel,
  claim,
  completeMany,
  type Database,
  enqueue,
  enqueueMany,
  heartbeat,
  prune,
  retry,
  takeBackExpired,
  waitFor,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { running, uniqueName } from './fixtures.ts'

describeOnServer('a storm of calls', (test) => {
  it('with the same keys in other orders ends without a deadlock', { timeout: 120_000 }, async () => {
    const { db } = await test.connectAgain(12)
    const queue = uniqueName()
    for (let round = 0; round < 5; round += 1) {
      const keys = Array.from({ length: 60 }, (_, n) => `${round}-${n}`)
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, caller) => {
          const order = caller % 2 ? keys : [...keys].reverse()
          const name = caller % 3 === 0 ? 'singletonKey' : 'idempotencyKey'
          return enqueueMany(db, { jobs: order.map((key) => ({ intent: 'a', queue, [name]: key })) })
        }),
      )
      expect(answers.flat().filter(({ created }) => created)).toHaveLength(120)
    }
  })

  it('about several trees at once ends without a deadlock, and no parent is forgotten', {
    timeout: 180_000,
  }, async () => {
    const { db } = await test.connectAgain(16)
    const childQueue = uniqueName()
    const parentQueue = uniqueName()
    const roots: string[] = []
    for (let n = 0; n < 8; n += 1) {
      const root = await running(db, { queue: parentQueue, maxAttempts: 100 })
      roots.push(root.id)
      const middle = await enqueueMany(db, {
        jobs: [1, 2, 3].map(() => ({
          intent: 'middle',
          queue: parentQueue,
          parentId: root.id,
          maxAttempts: 100,
        })),
      })
      const leaves = middle.flatMap(({ id }) =>
        Array.from({ length: 10 }, () => ({
          intent: 'leaf',
          queue: childQueue,
          parentId: id,
          maxAttempts: 100,
        })),
      )
      await enqueueMany(db, { jobs: leaves })
      await waitFor(db, {
        id: root.id,
        leaseToken: root.leaseToken,
        reason: 'children',
        onChildFailure: 'continue',
      })
      for (const { id } of middle) await waitFor(db, { id, leaseToken: null, reason: 'children' })
    }
    const pickRoot = () => roots[Math.floor(Math.random() * roots.length)] ?? ''
    let isOver = false
    const repeat = async (act: (db: Database) => Promise<unknown>) => {
      while (!isOver) await act(db)
      return true
    }
    const workOn = (queue: string) => async (db: Database) => {
      const jobs = await claim(db, { queue, workerId: 'w', limit: 5, columns: [] })
      await heartbeat(db, { leases: jobs })
      let left = jobs
      // What was locked is completed again, in some other order.
      while (left.length > 0) {
        const outcomes = await completeMany(db, { jobs: [...left].sort(() => Math.random() - 0.5) })
        const locked = new Set(outcomes.filter(({ outcome }) => outcome === 'locked').map(({ id }) => id))
        left = left.filter(({ id }) => locked.has(id))
      }
      if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const storm = Promise.all([
      ...Array.from({ length: 5 }, () => repeat(workOn(childQueue))),
      ...Array.from({ length: 3 }, () => repeat(workOn(parentQueue))),
      ...Array.from({ length: 2 }, () => repeat((db) => cancel(db, { id: pickRoot(), cascade: true }))),
      ...Array.from({ length: 2 }, () => repeat((db) => retry(db, { id: pickRoot() }))),
      repeat((db) =>
        prune(db, { olderThan: '50 milliseconds', queue: childQueue, statuses: ['completed'], batch: 3 }),
      ),
      repeat((db) =>
        enqueue(db, { intent: 'late', queue: childQueue, parentId: pickRoot() }).catch((error) => {
          if (error?.name !== 'ConflictError') throw error
        }),
      ),
    ])
    await Promise.race([storm, new Promise((resolve) => setTimeout(resolve, 6000))])
    isOver = true
    await storm

    for (const id of roots) await retry(db, { id })
    const until = performance.now() + 60_000
    const unfinished = async () =>
      Number(
        (
          await queryRows(
            db,
            sql`SELECT count(*) AS jobs FROM jobs WHERE completed_at IS NULL AND queue IN (${childQueue}, ${parentQueue})`,
          )
        )[0]?.jobs,
      )
    while ((await unfinished()) > 0 && performance.now() < until) {
      await workOn(childQueue)(db)
      await workOn(parentQueue)(db)
      await takeBackExpired(db, { queue: parentQueue })
    }
    expect(await unfinished()).toBe(0)
  })
})
