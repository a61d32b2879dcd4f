import { beforeAll, expect, it } from 'vitest'
import {
  approve,
  claim,
  complete,
  type Database,
  enqueue,
  InvalidInputError,
  prune,
  reject,
  resume,
  schema,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

/** The job asks for approval. @returns which wait that is. */
async function ask(
  db: Database,
  lease: { id: string; leaseToken: number },
  question: string,
): Promise<string> {
  const { waitId } = await waitFor(db, { ...lease, reason: 'approval', requiredAction: { question } })
  if (waitId === null) throw new Error('expected the id of the wait')
  return waitId
}

describeOnEachBackend('an answer', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('is of one wait: repeated, it does not answer the next question', async () => {
    const first = await running(test.db)
    const { id, queue } = first
    const read1 = await ask(test.db, { id, leaseToken: first.leaseToken }, 'Read the file?')
    expect(await approve(test.db, { id, waitId: read1, by: 'ada' })).toBe('ok')
    expect(await approve(test.db, { id, waitId: read1, by: 'ada' })).toBe('ok')
    const [second] = await claim(test.db, { queue, workerId: 'w' })
    const delete2 = await ask(test.db, { id, leaseToken: second?.leaseToken ?? 0 }, 'Delete the file?')
    expect(delete2).not.toBe(read1)
    // A double click, an HTTP retry.
    expect(await approve(test.db, { id, waitId: read1, by: 'ada' })).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({ status: 'waiting', waitId: delete2 })
    expect(await reject(test.db, { id, waitId: read1 })).toBe('not_waiting')
    expect(await resume(test.db, { id, waitId: read1 })).toBe('not_waiting')
    expect(await reject(test.db, { id, waitId: delete2, by: 'ada' })).toBe('ok')
    expect(await reject(test.db, { id, waitId: delete2, by: 'bob' })).toBe('ok')
    expect(await approve(test.db, { id, waitId: delete2 })).toBe('not_waiting')
    expect(await approve(test.db, { id, waitId: read1 })).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({ status: 'failed', error: { code: 'rejected' } })
  })

  it('must name the wait', async () => {
    const { id } = await enqueue(test.db, { intent: 'a', waitReason: 'approval' })
    for (const act of [approve, reject, resume]) {
      await expect(act(test.db, { id } as never)).rejects.toThrow(InvalidInputError)
      await expect(act(test.db, { id } as never)).rejects.toThrow(/waitId must say which wait is answered/)
    }
  })

  it('of another kind is refused', async () => {
    const asked = await enqueue(test.db, { intent: 'a', queue: uniqueName(), waitReason: 'approval' })
    expect(await resume(test.db, { id: asked.id, waitId: asked.waitId ?? '' })).toBe('wrong_reason')
    const parent = await running(test.db)
    await enqueue(test.db, { intent: 'child', queue: uniqueName(), parentId: parent.id })
    const lease = { id: parent.id, leaseToken: parent.leaseToken }
    const { waitId } = await waitFor(test.db, { ...lease, reason: 'children' })
    for (const act of [approve, reject, resume]) {
      expect(await act(test.db, { id: parent.id, waitId: waitId ?? '' })).toBe('wrong_reason')
    }
    expect(await read(test.db, parent.id)).toMatchObject({ status: 'waiting' })
  })

  it('repeated with the same response counts, with another one does not', async () => {
    const { id, waitId = '' } = await enqueue(test.db, {
      intent: 'a',
      queue: uniqueName(),
      waitReason: 'input',
    })
    expect(await resume(test.db, { id, waitId, response: { colour: 'blue' } })).toBe('ok')
    expect(await resume(test.db, { id, waitId, response: { colour: 'blue' } })).toBe('ok')
    expect(await resume(test.db, { id, waitId, response: { colour: 'red' } })).toBe('not_waiting')
    expect(await read(test.db, id)).toMatchObject({ requiredAction: { response: { colour: 'blue' } } })
  })

  it('comes too late after the deadline', async () => {
    const { id, waitId = '' } = await enqueue(test.db, {
      intent: 'a',
      queue: uniqueName(),
      waitReason: 'approval',
      deadlineAt: new Date((await clock.now()).getTime() + 5000),
    })
    await clock.advance(5)
    expect(await approve(test.db, { id, waitId })).toBe('too_late')
    expect(await read(test.db, id)).toMatchObject({ status: 'waiting' })
  })

  it.each(['fail', 'continue'] as const)(
    'that never comes lets the job %s, if that was said',
    async (onExpiry) => {
      const job = await running(test.db)
      const lease = { id: job.id, leaseToken: job.leaseToken }
      const wait = { ...lease, reason: 'external' as const, expiresInSeconds: 10, onExpiry }
      const { waitId } = await waitFor(test.db, wait)
      await clock.advance(9.9)
      expect(await claim(test.db, { queue: job.queue, workerId: 'w' })).toEqual([])
      await clock.advance(0.1)
      expect(await resume(test.db, { id: job.id, waitId: waitId ?? '' })).toBe('too_late')
      const next = await claim(test.db, { queue: job.queue, workerId: 'w' })
      if (onExpiry === 'continue') {
        expect(next).toMatchObject([{ id: job.id, requiredAction: { response: { expired: true } } }])
      } else {
        expect(next).toEqual([])
        expect(await read(test.db, job.id)).toMatchObject({
          status: 'failed',
          error: { code: 'wait_expired' },
        })
      }
      expect(await resume(test.db, { id: job.id, waitId: waitId ?? '' })).toBe('not_waiting')
    },
  )

  it('goes with its job', async () => {
    const { id, waitId = '' } = await enqueue(test.db, {
      intent: 'a',
      queue: uniqueName(),
      waitReason: 'approval',
    })
    await reject(test.db, { id, waitId })
    const answers = () => test.db.select().from(schema.jobAnswers)
    expect((await answers()).map((answer) => answer.waitId)).toContain(waitId)
    await prune(test.db, { olderThan: 0, queue: (await read(test.db, id)).queue })
    expect((await answers()).map((answer) => answer.waitId)).not.toContain(waitId)
  })
})

describeOnServer('two answers at the same moment', (test) => {
  it('count once', async () => {
    const { db } = await test.connectAgain(10)
    for (let round = 0; round < 20; round += 1) {
      const queue = uniqueName()
      const { id, waitId = '' } = await enqueue(db, { intent: 'a', queue, waitReason: 'approval' })
      const outcomes = await Promise.all([
        ...[1, 2, 3, 4].map(() => approve(db, { id, waitId })),
        ...[1, 2, 3, 4].map(() => reject(db, { id, waitId })),
      ])
      const [approved, rejected] = [new Set(outcomes.slice(0, 4)), new Set(outcomes.slice(4))]
      expect([...approved, ...rejected].sort()).toEqual(['not_waiting', 'ok'])
      const [job] = await claim(db, { queue, workerId: 'w' })
      expect(job === undefined).toBe(rejected.has('ok'))
      if (job) await complete(db, { id, leaseToken: job.leaseToken })
    }
  })
})
