import type { JobAttempt, JobStatus } from '../../src/index.ts'
import { isEnded, type ModelJob, type NewModelJob, timeoutOf } from './model-job.ts'
import { ModelSchedule } from './model-schedule.ts'

/** What the jobs of a queue may do: the design in a few lines of TypeScript, against which the database is compared. */
export class JobModel {
  readonly jobs = new Map<string, ModelJob>()
  now: number
  isPaused = false
  readonly schedule: ModelSchedule
  /** At most so many of a key may run. */
  readonly maxRunning: Readonly<Record<string, number>>

  constructor(now: number, period: number, maxRunning: Readonly<Record<string, number>> = {}) {
    this.now = now
    this.schedule = new ModelSchedule(period, now)
    this.maxRunning = maxRunning
  }

  enqueue(job: NewModelJob): { id: string; created: boolean } | 'conflict' {
    const parent = job.parentId === null ? undefined : this.jobs.get(job.parentId)
    if (parent && (parent.isCancelRequested || parent.status === 'cancelled')) return 'conflict'
    const all = [...this.jobs.values()]
    const found =
      all.find(({ idempotencyKey }) => idempotencyKey !== null && idempotencyKey === job.idempotencyKey) ??
      this.#unfinishedOf(job.singletonKey)
    if (found) return { id: found.id, created: false }
    this.jobs.set(job.id, {
      ...job,
      status: 'pending',
      attempt: 0,
      leaseToken: 0,
      leaseExpiresAt: null,
      progress: 0,
      losses: 0,
      startedAt: 0,
      waitReason: null,
      waitExpiresAt: null,
      onExpiry: 'fail',
      waits: [],
      isNewWait: false,
      isCancelRequested: false,
      onChildFailure: null,
      errorCode: null,
      attempts: [],
    })
    return { id: job.id, created: true }
  }

  /**
   * Takes the jobs that the database took, if it was right to. Without keys there is one right answer; keys take turns, of
   * which the model asks only that no better priority is left out and no limit exceeded.
   */
  claim(limit: number, leaseSeconds: number, taken: readonly string[]): string[] {
    this.takeBack()
    const ready = this.isPaused ? [] : this.#ready()
    const rooms = new Map(
      Object.entries(this.maxRunning).map(([key, most]) => [key, most - this.#running(key)] as const),
    )
    const expected: ModelJob[] = []
    for (const job of ready) {
      const room = rooms.get(job.limitKey ?? '') ?? Number.POSITIVE_INFINITY
      if (expected.length === limit || room <= 0) continue
      rooms.set(job.limitKey ?? '', room - 1)
      expected.push(job)
    }
    const chosen = ready.some(({ limitKey }) => limitKey !== null) ? this.#checked(taken, expected) : expected
    for (const job of chosen) {
      Object.assign(job, {
        status: 'running',
        leaseToken: Math.max(job.leaseToken + 1, this.now * 1000),
        attempt: job.attempt + 1,
        startedAt: this.now,
        leaseExpiresAt: Math.min(this.now + leaseSeconds * 1000, timeoutOf({ ...job, startedAt: this.now })),
      })
    }
    return chosen.map(({ id }) => id)
  }

  #ready(): ModelJob[] {
    return [...this.jobs.values()]
      .filter(
        ({ status, runAt, deadlineAt }) =>
          status === 'pending' && runAt <= this.now && (deadlineAt ?? Number.POSITIVE_INFINITY) > this.now,
      )
      .sort((a, b) => b.priority - a.priority || a.runAt - b.runAt || (a.id < b.id ? -1 : 1))
  }

  #running(key: string): number {
    return [...this.jobs.values()].filter(({ limitKey, status }) => limitKey === key && status === 'running')
      .length
  }

  /** The jobs of these ids, if they are ready, as many as expected of each priority, and no key has more than it may. */
  #checked(taken: readonly string[], expected: readonly ModelJob[]): ModelJob[] {
    const jobs = taken.flatMap((id) => this.jobs.get(id) ?? [])
    const ready = new Set(this.#ready())
    const priorities = (list: readonly ModelJob[]) => list.map(({ priority }) => priority).join()
    const isAllowed = Object.entries(this.maxRunning).every(
      ([key, most]) => this.#running(key) + jobs.filter(({ limitKey }) => limitKey === key).length <= most,
    )
    const isRight =
      jobs.every((job) => ready.has(job)) && isAllowed && priorities(jobs) === priorities(expected)
    return isRight ? jobs : [...expected]
  }

  takeBack(): number {
    const all = [...this.jobs.values()]
    const isLate = ({ deadlineAt }: ModelJob) => deadlineAt !== null && deadlineAt <= this.now
    const lost = all.filter(
      ({ status, leaseExpiresAt }) => status === 'running' && (leaseExpiresAt ?? 0) <= this.now,
    )
    const due = all.filter(
      (job) =>
        (job.status === 'pending' || job.status === 'waiting') &&
        (isLate(job) || (job.waitExpiresAt ?? Number.POSITIVE_INFINITY) <= this.now),
    )
    for (const job of lost) {
      job.attempts.push([job.leaseToken, 'lease_lost'])
      job.leaseExpiresAt = null
      const isTimedOut = timeoutOf(job) <= this.now
      const isLost = job.onLost === 'retry' && !isTimedOut
      if (isLost) job.losses += 1
      const isLast = isLost ? job.losses >= 10 : job.attempt >= job.maxAttempts
      if (job.isCancelRequested) job.status = 'cancelled'
      else {
        job.errorCode = isLate(job) ? 'deadline_exceeded' : isTimedOut ? 'attempt_timeout' : 'lease_lost'
        if (isLate(job) || isLast) job.status = 'failed'
        else {
          const attempt = job.attempt - (isLost ? 1 : 0)
          Object.assign(job, { status: 'pending', runAt: this.now, progress: 0, attempt })
        }
      }
    }
    for (const job of due) {
      if (!isLate(job) && job.onExpiry === 'continue')
        Object.assign(job, { status: 'pending', runAt: this.now })
      else {
        const errorCode = isLate(job) ? 'deadline_exceeded' : 'wait_expired'
        Object.assign(job, { status: 'failed', errorCode })
      }
      Object.assign(job, { waitReason: null, waitExpiresAt: null })
    }
    this.#wakeParentsOf([...lost, ...due])
    return lost.length + due.length
  }

  /** What is due of the schedule; the jobs get the ids that the database gave them. */
  enqueueSlots(ids: readonly string[]): [slot: number, id: string | undefined][] {
    const slots = this.schedule.takeDue(this.now)
    for (const [at, slot] of slots.entries()) {
      this.enqueue({
        id: ids[at] ?? `none for ${slot}`,
        priority: 0,
        runAt: this.now,
        deadlineAt: null,
        maxAttempts: 3,
        parentId: null,
        idempotencyKey: `slot ${slot}`,
        singletonKey: null,
        onLost: 'retry',
        limitKey: null,
        attemptTimeout: null,
      })
    }
    return slots.map((slot, at) => [slot, ids[at]])
  }

  heartbeat(id: string, token: number, leaseSeconds: number): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return 'lost'
    const end = Math.min(this.now + leaseSeconds * 1000, timeoutOf(job))
    job.leaseExpiresAt = Math.max(job.leaseExpiresAt ?? 0, end)
    if (job.isCancelRequested) return 'cancel_requested'
    return timeoutOf(job) <= this.now ? 'timed_out' : 'held'
  }

  report(id: string, token: number, progress: number): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return job
    job.progress = progress
    return job.isCancelRequested ? 'cancelled' : 'ok'
  }

  complete(id: string, token: number): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return job
    this.#end(job, 'completed', 'completed')
    Object.assign(job, { progress: 1, errorCode: null })
    this.#wakeParentsOf([job])
    return 'ok'
  }

  fail(id: string, token: number, isRetryable: boolean, retryInSeconds: number): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return job
    job.errorCode = 'test'
    const isLate = job.deadlineAt !== null && job.deadlineAt <= this.now
    if (job.isCancelRequested) this.#end(job, 'cancelled', 'cancelled')
    else if (isRetryable && job.attempt < job.maxAttempts && !isLate) {
      this.#end(job, 'pending', 'retried')
      Object.assign(job, { runAt: this.now + retryInSeconds * 1000, progress: 0 })
    } else this.#end(job, 'failed', 'failed')
    this.#wakeParentsOf([job])
    return job.status === 'cancelled' ? 'cancelled' : 'ok'
  }

  letGo(id: string, token: number, change: Partial<ModelJob>, outcome: JobAttempt['outcome']): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return job
    if (job.isCancelRequested) {
      this.#end(job, 'cancelled', 'cancelled')
      this.#wakeParentsOf([job])
      return 'cancelled'
    }
    this.#end(job, 'pending', outcome)
    Object.assign(job, { attempt: job.attempt - 1 }, change)
    job.isNewWait = job.status === 'waiting'
    if (job.waitReason === 'children') this.#wake(job)
    return 'ok'
  }

  /** What approve, reject and resume say to a wait, by its number among those of the job. */
  answer(id: string, wait: number, answer: 'approved' | 'rejected' | 'resumed'): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    const asked = job.waits[wait]
    if (!asked) return 'not_waiting'
    if (job.status !== 'waiting' || wait !== job.waits.length - 1) {
      return asked.answer === answer ? 'ok' : 'not_waiting'
    }
    if (job.waitReason === 'children' || (job.waitReason === 'approval') !== (answer !== 'resumed')) {
      return 'wrong_reason'
    }
    const end = Math.min(
      job.deadlineAt ?? Number.POSITIVE_INFINITY,
      job.waitExpiresAt ?? Number.POSITIVE_INFINITY,
    )
    if (end <= this.now) return 'too_late'
    asked.answer = answer
    Object.assign(job, { waitReason: null, waitExpiresAt: null })
    if (answer === 'rejected') {
      Object.assign(job, { status: 'failed', errorCode: 'rejected' })
      this.#wakeParentsOf([job])
    } else Object.assign(job, { status: 'pending', runAt: this.now })
    return 'ok'
  }

  /** After each step: the waits that have begun and are still open. */
  noteWaits(): void {
    for (const job of this.jobs.values()) {
      if (job.isNewWait && job.status === 'waiting') job.waits.push({ answer: null })
      job.isNewWait = false
    }
  }

  cancel(id: string, isCascade: boolean): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    const targets = isCascade ? this.#treeOf(job) : [job]
    const answer = isEnded(job) ? 'wrong_status' : job.status === 'running' ? 'cancel_requested' : 'cancelled'
    for (const target of targets) {
      if (isEnded(target)) continue
      target.isCancelRequested = true
      if (target.status !== 'running') {
        Object.assign(target, { status: 'cancelled', waitReason: null, waitExpiresAt: null })
      }
    }
    if (answer === 'cancelled') this.#wakeParentsOf([job])
    return answer
  }

  retry(id: string): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    if (job.status !== 'failed' && job.status !== 'cancelled') return 'wrong_status'
    const again = this.#treeOf(job).filter(({ status }) => status === 'failed' || status === 'cancelled')
    const keys = again.flatMap(({ singletonKey }) => singletonKey ?? [])
    if (new Set(keys).size < keys.length || keys.some((key) => this.#unfinishedOf(key))) return 'conflict'
    for (const one of again) {
      const isWaiting = one.status === 'failed' && one.errorCode === 'child_failed'
      Object.assign(one, {
        status: isWaiting ? 'waiting' : 'pending',
        waitReason: isWaiting ? 'children' : null,
        isNewWait: isWaiting,
        attempt: 0,
        losses: 0,
        runAt: this.now,
        progress: 0,
        isCancelRequested: false,
        errorCode: null,
        deadlineAt: one.deadlineAt !== null && one.deadlineAt <= this.now ? null : one.deadlineAt,
      })
    }
    for (const one of again) this.#wake(one)
    return 'ok'
  }

  #treeOf(job: ModelJob): ModelJob[] {
    return [job, ...this.#childrenOf(job.id).flatMap((child) => this.#treeOf(child))]
  }

  prune(): number {
    const old = [...this.jobs.values()].filter((job) => isEnded(job) && this.#childrenOf(job.id).length === 0)
    for (const { id } of old) this.jobs.delete(id)
    return old.length
  }

  #held(id: string, token: number): ModelJob | string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    if (job.leaseToken !== token) return 'stale_lease'
    if (job.status === 'running') return job
    return job.status === 'cancelled' ? 'cancelled' : 'stale_lease'
  }

  #end(job: ModelJob, status: JobStatus, outcome: JobAttempt['outcome']): void {
    job.attempts.push([job.leaseToken, outcome])
    Object.assign(job, { status, leaseExpiresAt: null })
  }

  #childrenOf(id: string): ModelJob[] {
    return [...this.jobs.values()].filter(({ parentId }) => parentId === id)
  }

  #unfinishedOf(key: string | null): ModelJob | undefined {
    return [...this.jobs.values()].find((job) => key !== null && job.singletonKey === key && !isEnded(job))
  }

  #wakeParentsOf(jobs: ModelJob[]): void {
    for (const job of jobs) {
      const parent = isEnded(job) && job.parentId !== null ? this.jobs.get(job.parentId) : undefined
      if (parent) this.#wake(parent)
    }
  }

  #wake(parent: ModelJob): void {
    const children = this.#childrenOf(parent.id)
    if (parent.status !== 'waiting' || parent.waitReason !== 'children' || !children.every(isEnded)) return
    const isFailing =
      parent.onChildFailure === 'fail' && children.some(({ status }) => status !== 'completed')
    Object.assign(parent, { waitReason: null, waitExpiresAt: null })
    if (isFailing) Object.assign(parent, { status: 'failed', errorCode: 'child_failed' })
    else Object.assign(parent, { status: 'pending', runAt: this.now })
    this.#wakeParentsOf([parent])
  }
}
