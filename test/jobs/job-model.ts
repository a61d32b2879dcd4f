import type { JobAttempt, JobStatus } from '../../src/index.ts'

/** A job as the model sees it; times are milliseconds. */
export interface ModelJob {
  readonly id: string
  status: JobStatus
  readonly priority: number
  runAt: number
  deadlineAt: number | null
  attempt: number
  readonly maxAttempts: number
  leaseToken: number
  leaseExpiresAt: number | null
  progress: number
  waitReason: string | null
  isCancelRequested: boolean
  onChildFailure: 'fail' | 'continue' | null
  errorCode: string | null
  readonly parentId: string | null
  readonly idempotencyKey: string | null
  readonly singletonKey: string | null
  readonly attempts: [number, JobAttempt['outcome']][]
}

export type NewModelJob = Pick<
  ModelJob,
  'id' | 'priority' | 'runAt' | 'deadlineAt' | 'maxAttempts' | 'parentId' | 'idempotencyKey' | 'singletonKey'
>

/** What the jobs of a queue may do: the design in a few lines of TypeScript, against which the database is compared. */
export class JobModel {
  readonly jobs = new Map<string, ModelJob>()
  now: number

  constructor(now: number) {
    this.now = now
  }

  enqueue(job: NewModelJob): { id: string; created: boolean } {
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
      waitReason: null,
      isCancelRequested: false,
      onChildFailure: null,
      errorCode: null,
      attempts: [],
    })
    return { id: job.id, created: true }
  }

  claim(limit: number, leaseSeconds: number): string[] {
    this.takeBack()
    const ready = [...this.jobs.values()]
      .filter(
        ({ status, runAt, deadlineAt }) =>
          status === 'pending' && runAt <= this.now && (deadlineAt ?? Number.POSITIVE_INFINITY) > this.now,
      )
      .sort((a, b) => b.priority - a.priority || a.runAt - b.runAt || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
    for (const job of ready) {
      Object.assign(job, {
        status: 'running',
        leaseToken: job.leaseToken + 1,
        attempt: job.attempt + 1,
        leaseExpiresAt: this.now + leaseSeconds * 1000,
      })
    }
    return ready.map(({ id }) => id)
  }

  takeBack(): number {
    const lost = [...this.jobs.values()].filter(
      ({ status, leaseExpiresAt }) => status === 'running' && (leaseExpiresAt ?? 0) <= this.now,
    )
    for (const job of lost) {
      const isLate = job.deadlineAt !== null && job.deadlineAt <= this.now
      job.attempts.push([job.leaseToken, 'lease_lost'])
      job.leaseExpiresAt = null
      if (job.isCancelRequested) job.status = 'cancelled'
      else {
        job.errorCode = isLate ? 'deadline_exceeded' : 'lease_lost'
        if (isLate || job.attempt >= job.maxAttempts) job.status = 'failed'
        else Object.assign(job, { status: 'pending', runAt: this.now, progress: 0 })
      }
    }
    this.#wakeParentsOf(lost)
    const late = [...this.jobs.values()].filter(
      ({ status, deadlineAt }) =>
        (status === 'pending' || status === 'waiting') && deadlineAt !== null && deadlineAt <= this.now,
    )
    for (const job of late)
      Object.assign(job, { status: 'failed', waitReason: null, errorCode: 'deadline_exceeded' })
    this.#wakeParentsOf(late)
    return lost.length + late.length
  }

  heartbeat(id: string, token: number, leaseSeconds: number): string {
    const job = this.#held(id, token)
    if (typeof job === 'string') return 'lost'
    job.leaseExpiresAt = Math.max(job.leaseExpiresAt ?? 0, this.now + leaseSeconds * 1000)
    return job.isCancelRequested ? 'cancel_requested' : 'held'
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
    if (job.waitReason === 'children') this.#wake(job)
    return 'ok'
  }

  /** For approve (reason approval), and resume (any reason). */
  resume(id: string, reason?: string): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    if (job.status !== 'waiting' || (reason && job.waitReason !== reason)) return 'wrong_status'
    Object.assign(job, { status: 'pending', waitReason: null, runAt: this.now })
    return 'ok'
  }

  reject(id: string): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    if (job.status !== 'waiting' || job.waitReason !== 'approval') return 'wrong_status'
    Object.assign(job, { status: 'failed', waitReason: null, errorCode: 'rejected' })
    this.#wakeParentsOf([job])
    return 'ok'
  }

  cancel(id: string, isCascade: boolean): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    let answer = 'wrong_status'
    if (job.status === 'running') {
      job.isCancelRequested = true
      answer = 'cancel_requested'
    } else if (!isEnded(job)) {
      Object.assign(job, { status: 'cancelled', waitReason: null, isCancelRequested: true })
      this.#wakeParentsOf([job])
      answer = 'cancelled'
    }
    if (isCascade) for (const child of this.#childrenOf(id)) this.cancel(child.id, true)
    return answer
  }

  retry(id: string): string {
    const job = this.jobs.get(id)
    if (!job) return 'not_found'
    if (job.status !== 'failed' && job.status !== 'cancelled') return 'wrong_status'
    if (this.#unfinishedOf(job.singletonKey)) return 'conflict'
    Object.assign(job, {
      status: 'pending',
      attempt: 0,
      runAt: this.now,
      progress: 0,
      isCancelRequested: false,
      errorCode: null,
      deadlineAt: job.deadlineAt !== null && job.deadlineAt <= this.now ? null : job.deadlineAt,
    })
    return 'ok'
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
    if (isFailing) Object.assign(parent, { status: 'failed', waitReason: null, errorCode: 'child_failed' })
    else Object.assign(parent, { status: 'pending', waitReason: null, runAt: this.now })
    this.#wakeParentsOf([parent])
  }
}

function isEnded({ status }: ModelJob): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
