import { expect, it } from 'vitest'
import {
  claim,
  completeAndClaim,
  enqueueMany,
  InvalidInputError,
  jobAttempts,
  listJobs,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, running, uniqueName } from './fixtures.ts'

describeOnEachBackend('completeAndClaim', (test) => {
  it('does a queue, one job a call', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: [3, 2, 1].map((priority) => ({ intent: 'a', queue, priority, inputs: { priority } })),
    })
    const order: unknown[] = []
    let [job] = await claim(test.db, { queue, workerId: 'w', columns: ['inputs'] })
    while (job) {
      const { id, leaseToken, inputs } = job
      order.push(inputs.priority)
      const next = await completeAndClaim(test.db, {
        id,
        leaseToken,
        result: { done: inputs.priority },
        queue,
        workerId: 'w',
        columns: ['inputs'],
      })
      expect(next.outcome).toBe('ok')
      ;[job] = next.jobs
    }
    expect(order).toEqual([3, 2, 1])
    const { items } = await listJobs(test.db, { queue })
    expect(items.map(({ status, result }) => ({ status, result }))).toEqual(
      expect.arrayContaining([1, 2, 3].map((done) => ({ status: 'completed', result: { done } }))),
    )
  })

  it('gives whole jobs, several of them, and only of the modes asked for', async () => {
    const queue = uniqueName()
    const done = await running(test.db)
    await enqueueMany(test.db, {
      jobs: (['mcp', 'mcp', 'flow', 'mcp'] as const).map((mode) => ({ intent: 'a', queue, mode })),
    })
    const { jobs } = await completeAndClaim(test.db, {
      id: done.id,
      leaseToken: done.leaseToken,
      queue,
      workerId: 'w',
      limit: 2,
      leaseSeconds: 5,
      modes: ['mcp'],
    })
    expect(jobs).toHaveLength(2)
    for (const job of jobs) {
      expect(job).toEqual(await read(test.db, job.id))
      expect(job).toMatchObject({ mode: 'mcp', status: 'running', workerId: 'w' })
    }
  })

  it('claims although the lease was lost, and says so', async () => {
    const queue = uniqueName()
    const { id, leaseToken } = await running(test.db, { queue })
    await enqueueMany(test.db, { jobs: [{ intent: 'b', queue }] })
    const stale = await completeAndClaim(test.db, { id, leaseToken: leaseToken + 1, queue, workerId: 'w' })
    expect(stale).toMatchObject({ outcome: 'stale_lease', jobs: [{ intent: 'b' }] })
    expect(await read(test.db, id)).toMatchObject({ status: 'running' })
    const missing = await completeAndClaim(test.db, { id: 'nobody', leaseToken: 1, queue, workerId: 'w' })
    expect(missing).toEqual({ outcome: 'not_found', jobs: [] })
  })

  it('completes nothing if it cannot claim', async () => {
    const { id, leaseToken } = await running(test.db)
    for (const wrong of [
      { workerId: '' },
      { workerId: 'w', limit: 0 },
      { workerId: 'w', leaseSeconds: -1 },
    ]) {
      await expect(completeAndClaim(test.db, { id, leaseToken, ...wrong })).rejects.toThrow(InvalidInputError)
    }
    expect(await read(test.db, id)).toMatchObject({ status: 'running' })
    expect(await jobAttempts(test.db, { id })).toEqual([])
  })
})

describeOnEachBackend('the columns of a claim', (test) => {
  it('are those asked for, each as in the whole job', async () => {
    const queue = uniqueName()
    const whole = await running(test.db, {
      queue,
      priority: -3,
      deadlineAt: new Date(Date.now() + 60_000),
      inputs: { text: 'ü' },
    })
    const columns = Object.keys(whole) as (keyof typeof whole)[]
    await enqueueMany(test.db, { jobs: [{ intent: 'a', queue, inputs: {}, priority: 7 }] })
    const [job] = await claim(test.db, { queue, workerId: 'w', columns })
    expect(job).toEqual(await read(test.db, job?.id ?? ''))
    await enqueueMany(test.db, { jobs: [{ intent: 'a', queue }] })
    const [narrow] = await claim(test.db, { queue, workerId: 'w', columns: [] })
    expect(Object.keys(narrow ?? {}).sort()).toEqual(['id', 'leaseToken'])
  })

  it('must be columns', async () => {
    const columns = ['intent', 'colour'] as unknown as ['intent']
    await expect(claim(test.db, { queue: 'q', workerId: 'w', columns })).rejects.toThrow(
      /columns must be names of a job's, got colour/,
    )
  })
})
