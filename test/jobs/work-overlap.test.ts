import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { enqueueMany, queueStats, waitForJob, work } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'

describeOnServer('a worker whose jobs are slow to settle', (test) => {
  it('takes the next ones meanwhile, but holds no more than twice its concurrency', async () => {
    const queue = uniqueName()
    const { db } = await test.connectAgain(4)
    const other = await test.connectAgain(1)
    const accepted = await enqueueMany(db, {
      jobs: Array.from({ length: 20 }, () => ({ intent: 'a', queue })),
    })
    let handled = 0
    const worker = await other.db.transaction(async (tx) => {
      // Nothing can be settled while its attempt cannot be written.
      await tx.execute(sql`LOCK TABLE job_attempts IN SHARE MODE`)
      const started = work(db, { a: () => (handled += 1) }, { queue, concurrency: 3, pollMilliseconds: 10 })
      await expect.poll(() => handled, { timeout: 10_000 }).toBe(6)
      await new Promise((next) => setTimeout(next, 300))
      expect(handled).toBe(6)
      expect(await queueStats(tx, { queue })).toMatchObject([{ running: 6, pending: 14, completed: 0 }])
      return started
    })
    for (const { id } of accepted) {
      expect(await waitForJob(db, { id, timeout: 20 })).toMatchObject({ status: 'completed' })
    }
    expect(handled).toBe(20)
    await worker.stop()
  })
})
