import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import {
  approve,
  cancel,
  claim,
  complete,
  completeMany,
  enqueue,
  fail,
  InvalidInputError,
  jobAttempts,
  reject,
  resume,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { read, running, uniqueName } from './fixtures.ts'

describeOnEachBackend('waiting', (test) => {
  it('waits for approval, is approved and goes on', async () => {
    const job = await running(test.db, { intent: 'send', maxAttempts: 1 })
    const { id, leaseToken } = job
    const { outcome, waitId } = await waitFor(test.db, {
      id,
      leaseToken,
      reason: 'approval',
      requiredAction: { question: 'Send?' },
    })
    expect(outcome).toBe('ok')
    if (waitId === null) throw new Error('expected the id of the wait')
    expect(await read(test.db, id)).toMatchObject({
      waitId,
      status: 'waiting',
      waitReason: 'approval',
      requiredAction: { question: 'Send?' },
      leaseExpiresAt: null,
      attempt: 0,
    })
    expect(await complete(test.db, { id, leaseToken })).toBe('stale_lease')
    expect(await claim(test.db, { queue: job.queue, workerId: 'w' })).toEqual([])
    expect(await approve(test.db, { id, waitId, by: 'ada', comment: 'go' })).toBe('ok')
    const [again] = await claim(test.db, { queue: job.queue, workerId: 'w' })
    expect(again).toMatchObject({
      id,
      attempt: 1,
      waitReason: null,
      waitId: null,
      requiredAction: { question: 'Send?', response: { approved: true, by: 'ada', comment: 'go' } },
    })
    expect(await approve(test.db, { id, waitId: 'another' })).toBe('not_waiting')
    expect(await jobAttempts(test.db, { id })).toMatchObject([{ outcome: 'waiting' }])
  })

  it('fails when it is rejected', async () => {
    const { id, waitId = '' } = await enqueue(test.db, { intent: 'pay', waitReason: 'approval' })
    expect(await reject(test.db, { id, waitId, by: 'ada', comment: 'too expensive' })).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({
      status: 'failed',
      waitReason: null,
      error: { code: 'rejected', message: 'too expensive', detail: { by: 'ada' } },
      requiredAction: { response: { approved: false, by: 'ada', comment: 'too expensive' } },
    })
    expect(await approve(test.db, { id, waitId })).toBe('not_waiting')
  })

  it('waits for input and finds it', async () => {
    const { id, leaseToken, queue } = await running(test.db)
    await waitFor(test.db, { id, leaseToken, reason: 'input', requiredAction: { ask: 'Which colour?' } })
    const waitId = (await read(test.db, id)).waitId ?? ''
    expect(await approve(test.db, { id, waitId })).toBe('wrong_reason')
    expect(await reject(test.db, { id, waitId })).toBe('wrong_reason')
    expect(await resume(test.db, { id, waitId, response: ['blue', null] })).toBe('ok')
    expect(await claim(test.db, { queue, workerId: 'w' })).toMatchObject([
      { requiredAction: { ask: 'Which colour?', response: ['blue', null] } },
    ])
    expect(await resume(test.db, { id, waitId, response: 'green' })).toBe('not_waiting')
    expect(await resume(test.db, { id: 'nobody', waitId })).toBe('not_found')
    expect(await approve(test.db, { id: 'nobody', waitId })).toBe('not_found')
    expect(await reject(test.db, { id: 'nobody', waitId })).toBe('not_found')
  })

  it('is cancelled instead when that was asked for', async () => {
    const { id, leaseToken } = await running(test.db)
    await cancel(test.db, { id })
    expect(await waitFor(test.db, { id, leaseToken, reason: 'external' })).toEqual({
      outcome: 'cancelled',
      waitId: null,
    })
    expect(await read(test.db, id)).toMatchObject({ status: 'cancelled', waitReason: null })
  })

  it('holds back a pending job without a lease', async () => {
    const { id } = await enqueue(test.db, { intent: 'a', queue: uniqueName() })
    expect(await waitFor(test.db, { id, leaseToken: null, reason: 'external' })).toEqual({
      outcome: 'ok',
      waitId: expect.any(String),
    })
    expect(await read(test.db, id)).toMatchObject({ status: 'waiting', waitReason: 'external' })
    expect(await waitFor(test.db, { id, leaseToken: null, reason: 'external' })).toMatchObject({
      outcome: 'stale_lease',
    })
    expect(await waitFor(test.db, { id: 'nobody', leaseToken: null, reason: 'external' })).toMatchObject({
      outcome: 'not_found',
    })
  })

  it('refuses wrong input', async () => {
    const { id, leaseToken } = await running(test.db)
    for (const [options, message] of [
      [{ reason: 'boredom' }, /reason must be approval, input, children or external, got boredom/],
      [{ reason: 'input', requiredAction: [] }, /requiredAction must be a JSON object, got array/],
      [{ reason: 'children', onChildFailure: 'cry' }, /onChildFailure must be fail or continue, got cry/],
    ] as const) {
      const refused = waitFor(test.db, { id, leaseToken, ...(options as object) } as never)
      await expect(refused).rejects.toThrow(InvalidInputError)
      await expect(refused).rejects.toThrow(message)
    }
  })
})

describeOnEachBackend('waiting for children', (test) => {
  async function parentWithChildren(count: number, onChildFailure: 'fail' | 'continue' = 'fail') {
    const parent = await running(test.db)
    const queue = uniqueName()
    for (let n = 0; n < count; n += 1)
      await enqueue(test.db, { intent: 'child', queue, parentId: parent.id, maxAttempts: 1 })
    await waitFor(test.db, {
      id: parent.id,
      leaseToken: parent.leaseToken,
      reason: 'children',
      onChildFailure,
    })
    return { id: parent.id, children: await claim(test.db, { queue, workerId: 'w', limit: 100 }) }
  }

  it('goes on when the last child has ended', async () => {
    const { id, children } = await parentWithChildren(3)
    const [a, b, c] = children
    if (!a || !b || !c) throw new Error('expected three children')
    await complete(test.db, { id: b.id, leaseToken: b.leaseToken })
    await complete(test.db, { id: a.id, leaseToken: a.leaseToken })
    expect(await read(test.db, id)).toMatchObject({ status: 'waiting', waitReason: 'children' })
    await complete(test.db, { id: c.id, leaseToken: c.leaseToken })
    expect(await read(test.db, id)).toMatchObject({ status: 'pending', waitReason: null })
  })

  it('goes on when all end in one statement', async () => {
    const { id, children } = await parentWithChildren(20)
    await completeMany(test.db, { jobs: children.map(({ id, leaseToken }) => ({ id, leaseToken })) })
    expect(await read(test.db, id)).toMatchObject({ status: 'pending' })
  })

  it('goes on at once when no child is unfinished', async () => {
    const parent = await running(test.db)
    const queue = uniqueName()
    await enqueue(test.db, { intent: 'child', queue, parentId: parent.id })
    const [child] = await claim(test.db, { queue, workerId: 'w' })
    await complete(test.db, { id: child?.id ?? '', leaseToken: child?.leaseToken ?? 0 })
    expect(
      await waitFor(test.db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' }),
    ).toMatchObject({ outcome: 'ok' })
    expect(await read(test.db, parent.id)).toMatchObject({ status: 'pending' })
  })

  it('fails with its children, or goes on, as it was told', async () => {
    for (const [onChildFailure, status] of [
      ['fail', 'failed'],
      ['continue', 'pending'],
    ] as const) {
      const { id, children } = await parentWithChildren(2, onChildFailure)
      const [a, b] = children
      await fail(test.db, {
        id: a?.id ?? '',
        leaseToken: a?.leaseToken ?? 0,
        error: { code: 'x', message: 'x' },
      })
      expect(await read(test.db, id)).toMatchObject({ status: 'waiting' })
      await complete(test.db, { id: b?.id ?? '', leaseToken: b?.leaseToken ?? 0 })
      const parent = await read(test.db, id)
      expect(parent.status).toBe(status)
      if (status === 'failed')
        expect(parent.error).toMatchObject({ code: 'child_failed', detail: { job_id: a?.id } })
    }
  })

  it('fails when a child is cancelled, up the whole tree', async () => {
    const { id, children } = await parentWithChildren(1)
    const child = children[0]
    const grandchild = await enqueue(test.db, {
      intent: 'grandchild',
      queue: uniqueName(),
      parentId: child?.id ?? '',
    })
    await waitFor(test.db, { id: child?.id ?? '', leaseToken: child?.leaseToken ?? 0, reason: 'children' })
    expect(await cancel(test.db, { id: grandchild.id })).toBe('cancelled')
    expect(await read(test.db, child?.id ?? '')).toMatchObject({ status: 'failed' })
    expect(await read(test.db, id)).toMatchObject({ status: 'failed', error: { code: 'child_failed' } })
  })

  it('does not go on while it is cancelled with all its descendants', async () => {
    const { id, children } = await parentWithChildren(1)
    const queue = uniqueName()
    const pending = await enqueue(test.db, { intent: 'child', queue, parentId: id })
    const grandchild = await enqueue(test.db, { intent: 'grandchild', queue, parentId: pending.id })
    expect(await cancel(test.db, { id, cascade: true })).toBe('cancelled')
    expect(await read(test.db, id)).toMatchObject({ status: 'cancelled' })
    expect(await read(test.db, pending.id)).toMatchObject({ status: 'cancelled' })
    expect(await read(test.db, grandchild.id)).toMatchObject({ status: 'cancelled' })
    expect(await read(test.db, children[0]?.id ?? '')).toMatchObject({
      status: 'running',
      cancelRequestedAt: expect.any(Date),
    })
  })
})

describeOnServer('children that end at the same time', (test) => {
  it.each(['read committed', 'repeatable read'] as const)(
    'wake their parent under %s',
    async (isolationLevel) => {
      const { db } = await test.connectAgain(12)
      for (let round = 0; round < 15; round += 1) {
        const parent = await running(db)
        const queue = uniqueName()
        for (let n = 0; n < 8; n += 1) await enqueue(db, { intent: 'child', queue, parentId: parent.id })
        const children = await claim(db, { queue, workerId: 'w', limit: 8 })
        const settle = async (act: () => Promise<unknown>) => {
          for (;;) {
            try {
              return await act()
            } catch (error) {
              // What a serialization failure asks for.
              if (!/could not serialize|deadlock/.test((error as Error).message)) throw error
            }
          }
        }
        await Promise.all([
          settle(() => waitFor(db, { id: parent.id, leaseToken: parent.leaseToken, reason: 'children' })),
          ...children.map(({ id, leaseToken }) =>
            settle(() =>
              db.transaction(
                async (transaction) => {
                  await transaction.execute(sql`SELECT 1`)
                  await complete(transaction, { id, leaseToken })
                },
                { isolationLevel },
              ),
            ),
          ),
        ])
        // Whoever finds the parent's row locked leaves it to the next claim from its queue.
        expect(await claim(db, { queue: parent.queue, workerId: 'w' })).toMatchObject([{ id: parent.id }])
      }
    },
  )
})
