import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  cancel,
  claim,
  complete,
  completeMany,
  type Database,
  enqueue,
  enqueueMany,
  fail,
  getJob,
  jobTree,
  retry,
  takeBackExpired,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { read, running, uniqueName } from './fixtures.ts'

/** A chain of jobs, each waiting for its only child; the last one is pending in a queue of its own. */
async function chain(db: Database, depth: number): Promise<{ ids: string[]; queue: string }> {
  const name = uniqueName()
  await db.execute(sql`
    INSERT INTO jobs (id, queue, intent, status, wait_reason, required_action, parent_id, root_id, max_attempts, on_lost)
    SELECT ${name} || '-' || n, ${name} || CASE WHEN n = ${depth}::int THEN '-leaf' ELSE '' END, 'link',
      (CASE WHEN n = ${depth}::int THEN 'pending' ELSE 'waiting' END)::job_status, CASE WHEN n < ${depth}::int THEN 'children' END,
      CASE WHEN n < ${depth}::int THEN '{"on_child_failure": "fail"}'::jsonb END,
      CASE WHEN n > 0 THEN ${name} || '-' || (n - 1) END, CASE WHEN n > 0 THEN ${name} || '-0' END, 1, 'fail'
    FROM generate_series(0, ${depth}::int) AS n`)
  return { ids: Array.from({ length: depth + 1 }, (_, n) => `${name}-${n}`), queue: `${name}-leaf` }
}

describeOnEachBackend('a tree of thousands of levels', (test) => {
  it('fails from its leaf to its root', async () => {
    const { ids, queue } = await chain(test.db, 2500)
    const [leaf] = await claim(test.db, { queue, workerId: 'w' })
    const error = { code: 'x', message: 'x' }
    expect(await fail(test.db, { id: leaf?.id ?? '', leaseToken: leaf?.leaseToken ?? 0, error })).toBe('ok')
    expect(await read(test.db, ids[0] ?? '')).toMatchObject({
      status: 'failed',
      error: { code: 'child_failed', detail: { job_id: ids[1] } },
    })
    const [left] = await queryRows(test.db, sql`SELECT count(*) AS jobs FROM jobs WHERE status <> 'failed'`)
    expect(Number(left?.jobs)).toBe(0)
  })

  it('does not stop the claims of its queue when the lease of its leaf ends', async () => {
    const { ids, queue } = await chain(test.db, 2500)
    await claim(test.db, { queue, workerId: 'w', leaseSeconds: 0.02 })
    await enqueue(test.db, { intent: 'next', queue })
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(await claim(test.db, { queue, workerId: 'w' })).toMatchObject([{ intent: 'next' }])
    // In bounded steps: the rest of the way up is for the claims from the parents' queue.
    const root = ids[0] ?? ''
    for (let n = 0; n < 3; n += 1) await takeBackExpired(test.db, { queue: queue.replace('-leaf', '') })
    expect(await read(test.db, root)).toMatchObject({ status: 'failed', error: { code: 'child_failed' } })
  })

  it('is listed in well under a second, parents before children', async () => {
    const { ids } = await chain(test.db, 2000)
    const started = performance.now()
    const nodes = await jobTree(test.db, { id: ids[0] ?? '' })
    expect(performance.now() - started).toBeLessThan(2000)
    expect(nodes.map(({ id }) => id)).toEqual(ids)
    expect(nodes.at(-1)?.depth).toBe(2000)
  })

  it('is cancelled as a whole, and runs again as a whole', async () => {
    const { ids, queue } = await chain(test.db, 2000)
    const [root = '', last = ''] = [ids[0], ids.at(-1)]
    const [leaf] = await claim(test.db, { queue, workerId: 'w' })
    const error = { code: 'x', message: 'x' }
    await fail(test.db, { id: last, leaseToken: leaf?.leaseToken ?? 0, error })
    expect(await retry(test.db, { id: root })).toBe('ok')
    expect(await read(test.db, root)).toMatchObject({ status: 'waiting', waitReason: 'children' })
    expect(await read(test.db, last)).toMatchObject({ status: 'pending', attempt: 0 })
    expect(await cancel(test.db, { id: root, cascade: true })).toBe('cancelled')
    expect(await read(test.db, last)).toMatchObject({ status: 'cancelled' })
  })
})

describeOnEachBackend('a job that cannot be changed', (test) => {
  it('does not keep others from being taken back, claimed or continued', async () => {
    await test.db.execute(
      sql.raw(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF OLD.intent = 'poison' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$`),
    )
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: [
        { intent: 'poison', queue, priority: 2 },
        { intent: 'fine', queue, priority: 1 },
      ],
    })
    await claim(test.db, { queue, workerId: 'w', limit: 2, leaseSeconds: 0.02 })
    const parent = await running(test.db, { queue: uniqueName(), intent: 'poison' })
    const child = await enqueue(test.db, { intent: 'child', queue: uniqueName(), parentId: parent.id })
    await waitFor(test.db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' })
    await test.db.execute(
      sql.raw('CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()'),
    )
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(await claim(test.db, { queue, workerId: 'w', limit: 5 })).toMatchObject([{ intent: 'fine' }])
    // The child's own settlement is not refused with its parent's change, when a claim makes it.
    await test.db.execute(sql`UPDATE jobs SET deadline_at = now() WHERE id = ${child.id}`)
    const [{ queue: childQueue } = { queue: '' }] = [await read(test.db, child.id)]
    expect(await claim(test.db, { queue: childQueue, workerId: 'w' })).toEqual([])
    expect(await read(test.db, child.id)).toMatchObject({ status: 'failed' })
    expect(await read(test.db, parent.id)).toMatchObject({ status: 'waiting' })
    await test.db.execute(sql.raw('DROP TRIGGER refuse ON jobs'))
    await claim(test.db, { queue: parent.queue, workerId: 'w' })
    expect(await read(test.db, parent.id)).toMatchObject({
      status: 'failed',
      error: { code: 'child_failed' },
    })
  })
})

describeOnEachBackend('a tree that is cancelled', (test) => {
  it('gets no more children', async () => {
    const parent = await running(test.db)
    await cancel(test.db, { id: parent.id })
    const ended = await enqueue(test.db, { intent: 'a', queue: uniqueName() })
    await cancel(test.db, { id: ended.id })
    for (const parentId of [parent.id, ended.id]) {
      const child = { intent: 'child', queue: uniqueName(), parentId }
      await expect(enqueue(test.db, child)).rejects.toMatchObject({
        name: 'ConflictError',
        message: expect.stringContaining(
          `job ${parentId} is cancelled, or is to be, and gets no more children`,
        ),
      })
      await expect(
        enqueueMany(test.db, { jobs: [{ intent: 'other', queue: child.queue }, child] }),
      ).rejects.toThrow('gets no more children')
      expect(await claim(test.db, { queue: child.queue, workerId: 'w', limit: 5 })).toEqual([])
    }
  })
})

describeOnServer('a tree that is cancelled while it grows', (test) => {
  it('leaves no child behind, of whatever moment', { timeout: 60_000 }, async () => {
    const { db } = await test.connectAgain(10)
    for (let round = 0; round < 10; round += 1) {
      const root = await running(db)
      const queue = uniqueName()
      const spawn = async (parentId: string, depth: number): Promise<void> => {
        for (let n = 0; n < 4; n += 1) {
          const child = await db
            .transaction(async (transaction) => {
              const made = await enqueue(transaction, { intent: 'child', queue, parentId })
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
              return made
            })
            .catch(() => null)
          if (child && depth > 0) await spawn(child.id, depth - 1)
        }
      }
      const growing = Promise.all([spawn(root.id, 2), spawn(root.id, 2), spawn(root.id, 2)])
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 5))
      expect(await cancel(db, { id: root.id, cascade: true })).toBe('cancel_requested')
      await growing
      const left = (await jobTree(db, { id: root.id })).filter(({ status }) => status !== 'cancelled')
      expect(left.map(({ id }) => id)).toEqual([root.id])
    }
  })
})

describeOnServer('ten thousand children of one parent', (test) => {
  /** Seconds that claiming and completing all jobs of a queue takes, in batches of 100. */
  async function work(db: Database, queue: string): Promise<number> {
    const started = performance.now()
    for (;;) {
      const jobs = await claim(db, { queue, workerId: 'w', limit: 100, columns: [] })
      if (jobs.length === 0) return (performance.now() - started) / 1000
      await completeMany(db, { jobs })
    }
  }

  it('end nearly as fast as as many jobs without one, beside an open transaction that has written', {
    timeout: 120_000,
  }, async () => {
    const writer = await test.connectAgain(1)
    const { db } = await test.connectAgain(2)
    await writer.db.transaction(async (open) => {
      await open.execute(sql`SELECT pg_current_xact_id()`)
      const plainQueue = uniqueName()
      await enqueueMany(db, {
        jobs: Array.from({ length: 5000 }, () => ({ intent: 'a', queue: plainQueue })),
      })
      const plain = await work(db, plainQueue)

      const parent = await running(db)
      const queue = uniqueName()
      const jobs = Array.from({ length: 10_000 }, () => ({ intent: 'a', queue, parentId: parent.id }))
      await enqueueMany(db, { jobs })
      await waitFor(db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' })
      const withParent = await work(db, queue)
      expect(await getJob(db, { id: parent.id })).toMatchObject({ status: 'pending' })
      // Twice as many jobs, at most twice the time for each; the rest is for a loaded machine.
      expect(withParent).toBeLessThan(plain * 2 * 2 * 1.5)
    })
  })

  it('are looked at once for each that ends alone', async () => {
    const { db } = await test.connectAgain(1)
    const parent = await running(db)
    const queue = uniqueName()
    await enqueueMany(db, {
      jobs: Array.from({ length: 50 }, () => ({ intent: 'a', queue, parentId: parent.id })),
    })
    await waitFor(db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' })
    for (let n = 0; n < 50; n += 1) {
      expect(await read(db, parent.id)).toMatchObject({ status: 'waiting' })
      const [job] = await claim(db, { queue, workerId: 'w' })
      await complete(db, { id: job?.id ?? '', leaseToken: job?.leaseToken ?? 0 })
    }
    expect(await read(db, parent.id)).toMatchObject({ status: 'pending' })
  })
})
