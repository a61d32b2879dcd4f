import { beforeAll, expect, it } from 'vitest'
import { cancel, claim, complete, enqueue, fail, jobAttempts, prune, retry } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

const error = { code: 'x', message: 'x' }

describeOnEachBackend('cancel, retry and prune', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('cancels a pending and a waiting job at once', async () => {
    for (const options of [{}, { waitReason: 'input' as const }]) {
      const { id } = await enqueue(test.db, { intent: 'a', queue: uniqueName(), ...options })
      expect(await cancel(test.db, { id })).toBe('cancelled')
      const now = await clock.now()
      expect(await read(test.db, id)).toMatchObject({
        status: 'cancelled',
        completedAt: now,
        cancelRequestedAt: now,
        waitReason: null,
      })
      expect(await cancel(test.db, { id })).toBe('wrong_status')
    }
    expect(await cancel(test.db, { id: 'nobody' })).toBe('not_found')
    expect(await cancel(test.db, { id: 'nobody', cascade: true })).toBe('not_found')
  })

  it('asks a running job, and remembers when it was asked first', async () => {
    const job = await running(test.db)
    expect(await cancel(test.db, { id: job.id })).toBe('cancel_requested')
    const first = (await read(test.db, job.id)).cancelRequestedAt
    await clock.advance(1)
    expect(await cancel(test.db, { id: job.id })).toBe('cancel_requested')
    expect(await read(test.db, job.id)).toMatchObject({ status: 'running', cancelRequestedAt: first })
  })

  it('runs a failed or cancelled job again, from its first attempt', async () => {
    const job = await running(test.db, {
      maxAttempts: 1,
      deadlineAt: new Date((await clock.now()).getTime() + 5000),
    })
    await fail(test.db, { id: job.id, leaseToken: job.leaseToken, error })
    await clock.advance(10)
    expect(await retry(test.db, { id: job.id })).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'pending',
      attempt: 0,
      leaseToken: job.leaseToken,
      error: null,
      completedAt: null,
      deadlineAt: null,
      runAt: await clock.now(),
    })
    expect(await retry(test.db, { id: job.id })).toBe('wrong_status')
    const [again] = await claim(test.db, { queue: job.queue, workerId: 'w' })
    expect(again).toMatchObject({ id: job.id, attempt: 1 })
    await cancel(test.db, { id: job.id })
    await fail(test.db, { id: job.id, leaseToken: again?.leaseToken ?? 0, error })
    const later = new Date((await clock.now()).getTime() + 60_000)
    expect(await retry(test.db, { id: job.id, runAt: later })).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'pending',
      cancelRequestedAt: null,
      runAt: later,
    })
    expect((await jobAttempts(test.db, { id: job.id })).map(({ outcome }) => outcome)).toEqual([
      'failed',
      'cancelled',
    ])
  })

  it('does not retry what is completed or not there, nor beside an unfinished job of its singleton key', async () => {
    const done = await running(test.db)
    await complete(test.db, { id: done.id, leaseToken: done.leaseToken })
    expect(await retry(test.db, { id: done.id })).toBe('wrong_status')
    expect(await retry(test.db, { id: 'nobody' })).toBe('not_found')
    const queue = uniqueName()
    const first = await enqueue(test.db, { intent: 'a', queue, singletonKey: 'one' })
    await cancel(test.db, { id: first.id })
    const second = await enqueue(test.db, { intent: 'a', queue, singletonKey: 'one' })
    expect(await retry(test.db, { id: first.id })).toBe('conflict')
    expect(await read(test.db, first.id)).toMatchObject({ status: 'cancelled' })
    await cancel(test.db, { id: second.id })
    expect(await retry(test.db, { id: first.id })).toBe('ok')
  })

  it('prunes what ended long ago, oldest first, children before parents, with the attempts', async () => {
    const parent = await running(test.db)
    const queue = uniqueName()
    await enqueue(test.db, { intent: 'child', queue, parentId: parent.id })
    await complete(test.db, { id: parent.id, leaseToken: parent.leaseToken })
    const unfinished = await enqueue(test.db, { intent: 'a', queue: uniqueName() })
    await clock.advance(86_400)
    const recent = await running(test.db)
    await complete(test.db, { id: recent.id, leaseToken: recent.leaseToken })

    const older = { olderThan: '1 day', queue: parent.queue }
    expect(await prune(test.db, older)).toBe(0)
    const [child] = await claim(test.db, { queue, workerId: 'w' })
    await complete(test.db, { id: child?.id ?? '', leaseToken: child?.leaseToken ?? 0 })
    expect(await prune(test.db, older)).toBe(0)
    expect(await prune(test.db, { olderThan: 0, queue, statuses: ['failed'] })).toBe(0)
    expect(await prune(test.db, { olderThan: 0, queue })).toBe(1)
    expect(await prune(test.db, older)).toBe(1)
    expect(await jobAttempts(test.db, { id: parent.id })).toEqual([])

    while ((await prune(test.db, { olderThan: 3600, batch: 2 })) > 0);
    await read(test.db, unfinished.id)
    await read(test.db, recent.id)
    await expect(prune(test.db, { olderThan: -1 })).rejects.toThrow(
      /olderThan must be an interval of 0 or more, got -00:00:01/,
    )
    await expect(prune(test.db, { olderThan: 'a while' })).rejects.toThrow(
      /invalid input syntax for type interval/,
    )
    await expect(prune(test.db, { olderThan: 1, batch: 0 })).rejects.toThrow(
      /batch must be from 1 to 100000, got 0/,
    )
  })
})
