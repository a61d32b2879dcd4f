import fc from 'fast-check'
import {
  approve,
  ConflictError,
  cancel,
  claim,
  complete,
  completeMany,
  type Database,
  enqueue,
  enqueueDueSlots,
  fail,
  heartbeat,
  pauseQueue,
  pauseSchedule,
  prune,
  reject,
  release,
  reportProgress,
  resume,
  resumeQueue,
  resumeSchedule,
  retry,
  snooze,
  takeBackExpired,
  waitFor,
} from '../../src/index.ts'
import type { JobModel } from './job-model.ts'
import { Step } from './model-step.ts'

/** The job that a number means: one of those that there are, or (rarely) none. */
const pick = (model: JobModel, n: number) => [...model.jobs.values()][n % (model.jobs.size + 1)]
const idOf = (model: JobModel, n: number) => pick(model, n)?.id ?? 'nobody'
/** The same for what needs a lease: mostly a job that runs. */
const pickHeld = (model: JobModel, n: number) => {
  const running = [...model.jobs.values()].filter(({ status }) => status === 'running')
  return n % 4 === 0 || running.length === 0 ? pick(model, n) : running[n % running.length]
}
const heldIdOf = (model: JobModel, n: number) => pickHeld(model, n)?.id ?? 'nobody'
/** Mostly the current token, sometimes an older or a future one. */
const tokenOf = (model: JobModel, n: number, staleness: number) =>
  Math.max(0, (pickHeld(model, n)?.leaseToken ?? 1) + staleness)

const n = fc.nat(40)
const seconds = fc.integer({ min: 1, max: 30 })
const stale = fc.constantFrom(0, 0, 0, 0, -1, 1)
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { freq: 4 })
const error = { code: 'test', message: 'test' }
let lastId = 0

const onLease = <T>(
  name: string,
  argument: fc.Arbitrary<T>,
  inModel: (model: JobModel, id: string, token: number, argument: T) => unknown,
  inReal: (db: Database, id: string, leaseToken: number, argument: T) => Promise<unknown>,
) =>
  fc.tuple(n, stale, argument).map(([at, by, argument]) => {
    return new Step(
      `${name} ${at} ${by} ${JSON.stringify(argument)}`,
      (model) => inModel(model, heldIdOf(model, at), tokenOf(model, at, by), argument),
      ({ db }, model) => inReal(db, heldIdOf(model, at), tokenOf(model, at, by), argument),
    )
  })

const enqueueStep = fc
  .record({
    priority: fc.integer({ min: -2, max: 2 }),
    delay: fc.constantFrom(0, 0, 10, -7),
    deadline: fc.option(seconds, { freq: 3 }),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    parent: fc.option(n),
    idempotencyKey: key,
    singletonKey: key,
    onLost: fc.constantFrom('retry', 'fail'),
    limitKey: fc.option(fc.constantFrom('limited', 'free'), { freq: 2 }),
    timeout: fc.option(fc.integer({ min: 1, max: 8 }), { freq: 2 }),
  })
  .map((options) => {
    const { priority, delay, deadline, maxAttempts, parent, idempotencyKey, singletonKey } = options
    const { onLost, limitKey, timeout } = options
    lastId += 1
    const id = `job-${String(lastId).padStart(8, '0')}`
    const parentOf = (model: JobModel) => (parent === null ? null : (pick(model, parent)?.id ?? null))
    const times = ({ now }: JobModel) => ({
      runAt: now + delay * 1000,
      deadlineAt: deadline === null ? null : now + deadline * 1000,
    })
    return new Step(
      `enqueue ${JSON.stringify({ id, ...options })}`,
      (model) =>
        model.enqueue({
          id,
          priority,
          maxAttempts,
          idempotencyKey,
          singletonKey,
          onLost,
          limitKey,
          attemptTimeout: timeout === null ? null : timeout * 1000,
          parentId: parentOf(model),
          ...times(model),
        }),
      async ({ db, queue }, model) => {
        const { runAt, deadlineAt } = times(model)
        const parentId = parentOf(model)
        const accepted = await enqueue(db, {
          intent: 'test',
          id,
          queue,
          priority,
          maxAttempts,
          runAt: new Date(runAt),
          ...(deadlineAt !== null && { deadlineAt: new Date(deadlineAt) }),
          ...(parentId && { parentId }),
          ...(idempotencyKey && { idempotencyKey }),
          ...(singletonKey && { singletonKey }),
          ...(limitKey && { limitKey }),
          ...(timeout !== null && { attemptTimeoutSeconds: timeout }),
          onLost,
        }).catch((error) => {
          if (error instanceof ConflictError) return 'conflict' as const
          throw error
        })
        return accepted === 'conflict' ? accepted : { id: accepted.id, created: accepted.created }
      },
    )
  })

/** Answers a wait of a job that mostly is waiting: its last one, the one before, or one that there never was. */
const answerStep = (
  answer: 'approved' | 'rejected' | 'resumed',
  inReal: (db: Database, wait: { id: string; waitId: string }) => Promise<unknown>,
) =>
  fc.tuple(n, fc.constantFrom(0, 0, 0, 1, 9)).map(([at, back]) => {
    const target = (model: JobModel) => {
      const waiting = [...model.jobs.values()].filter(({ status }) => status === 'waiting')
      const job = at % 3 === 0 || waiting.length === 0 ? pick(model, at) : waiting[at % waiting.length]
      return { id: job?.id ?? 'nobody', wait: (job?.waits.length ?? 0) - 1 - back }
    }
    return new Step(
      `${answer} ${at} ${back}`,
      (model) => model.answer(target(model).id, target(model).wait, answer),
      ({ db, waitIds }, model) => {
        const { id, wait } = target(model)
        return inReal(db, { id, waitId: waitIds.get(id)?.[wait] ?? 'no such wait' })
      },
    )
  })

/** Everything that can be done to jobs, with arguments at random. */
export const steps = [
  enqueueStep,
  enqueueStep,
  fc.tuple(fc.integer({ min: 1, max: 4 }), seconds).map(
    ([limit, lease]) =>
      new Step(
        `claim ${limit} ${lease}`,
        (model, taken) => model.claim(limit, lease, taken as string[]),
        async ({ db, queue }) =>
          (await claim(db, { queue, workerId: 'w', limit, leaseSeconds: lease })).map(({ id }) => id),
      ),
  ),
  fc.integer({ min: 1, max: 20 }).map(
    (by) =>
      new Step(
        `advance ${by}`,
        (model) => {
          model.now += by * 1000
        },
        ({ clock }) => clock.advance(by),
      ),
  ),
  fc.constant(
    new Step(
      'take back',
      (model) => model.takeBack(),
      ({ db, queue }) => takeBackExpired(db, { queue }),
    ),
  ),
  onLease(
    'heartbeat',
    seconds,
    (model, id, token, lease) => model.heartbeat(id, token, lease),
    async (db, id, leaseToken, leaseSeconds) =>
      (await heartbeat(db, { leases: [{ id, leaseToken }], leaseSeconds }))[0]?.state,
  ),
  onLease(
    'progress',
    fc.constantFrom(0, 0.25, 0.5),
    (model, id, token, progress) => model.report(id, token, progress),
    (db, id, leaseToken, progress) => reportProgress(db, { id, leaseToken, progress }),
  ),
  onLease(
    'complete',
    fc.constant(null),
    (model, id, token) => model.complete(id, token),
    (db, id, leaseToken) => complete(db, { id, leaseToken }),
  ),
  onLease(
    'completeMany',
    fc.constant(null),
    (model, id, token) => model.complete(id, token),
    async (db, id, leaseToken) => (await completeMany(db, { jobs: [{ id, leaseToken }] }))[0]?.outcome,
  ),
  onLease(
    'fail',
    fc.tuple(fc.boolean(), fc.nat(10)),
    (model, id, token, [retryable, pause]) => model.fail(id, token, retryable, pause),
    (db, id, leaseToken, [retryable, retryInSeconds]) =>
      fail(db, { id, leaseToken, error, retryable, retryInSeconds }),
  ),
  onLease(
    'release',
    fc.constant(null),
    (model, id, token) => model.letGo(id, token, {}, 'released'),
    (db, id, leaseToken) => release(db, { id, leaseToken }),
  ),
  onLease(
    'snooze',
    seconds,
    (model, id, token, delay) => model.letGo(id, token, { runAt: model.now + delay * 1000 }, 'snoozed'),
    (db, id, leaseToken, delaySeconds) => snooze(db, { id, leaseToken, delaySeconds }),
  ),
  onLease(
    'waitFor',
    fc.tuple(
      fc.constantFrom('approval', 'input', 'children', 'children', 'external'),
      fc.constantFrom('fail', 'continue'),
      fc.option(seconds, { freq: 2 }),
      fc.constantFrom('fail', 'continue'),
    ),
    (model, id, token, [waitReason, onChildFailure, expires, onExpiry]) => {
      const waitExpiresAt = expires === null ? null : model.now + expires * 1000
      const change = { status: 'waiting' as const, waitReason, onChildFailure, waitExpiresAt, onExpiry }
      return model.letGo(id, token, change, 'waiting')
    },
    async (db, id, leaseToken, [reason, onChildFailure, expiresInSeconds, onExpiry]) => {
      const expiry = expiresInSeconds === null ? {} : { expiresInSeconds }
      return (await waitFor(db, { id, leaseToken, reason, onChildFailure, onExpiry, ...expiry })).outcome
    },
  ),
  answerStep('approved', (db, wait) => approve(db, wait)),
  answerStep('rejected', (db, wait) => reject(db, wait)),
  answerStep('resumed', (db, wait) => resume(db, wait)),
  fc.boolean().map(
    (isPaused) =>
      new Step(
        isPaused ? 'pause' : 'go on',
        (model) => {
          model.isPaused = isPaused
        },
        async ({ db, queue }) => {
          await (isPaused ? pauseQueue(db, { queue }) : resumeQueue(db, { queue }))
        },
      ),
  ),
  fc.constant(
    new Step(
      'slots',
      (model, answer) => model.enqueueSlots((answer as [number, string][]).map(([, id]) => id)),
      async ({ db, queue }) =>
        (await enqueueDueSlots(db)).enqueued
          .filter(({ key }) => key === queue)
          .map(({ slot, jobId }) => [slot.getTime(), jobId]),
    ),
  ),
  fc.boolean().map(
    (isPaused) =>
      new Step(
        isPaused ? 'pause the schedule' : 'go on with the schedule',
        (model) => model.schedule.pause(isPaused, model.now),
        async ({ db, queue }) => {
          await (isPaused ? pauseSchedule(db, { key: queue }) : resumeSchedule(db, { key: queue }))
        },
      ),
  ),
  fc.tuple(n, fc.boolean()).map(
    ([at, cascade]) =>
      new Step(
        `cancel ${at} ${cascade}`,
        (model) => model.cancel(idOf(model, at), cascade),
        ({ db }, model) => cancel(db, { id: idOf(model, at), cascade }),
      ),
  ),
  n.map(
    (at) =>
      new Step(
        `retry ${at}`,
        (model) => model.retry(idOf(model, at)),
        ({ db }, model) => retry(db, { id: idOf(model, at) }),
      ),
  ),
  fc.constant(
    new Step(
      'prune',
      (model) => model.prune(),
      ({ db, queue }) => prune(db, { olderThan: 0, queue }),
    ),
  ),
]
