import type { Database } from '../../database/database.ts'
import { InvalidInputError } from '../../errors.ts'
import type { Job } from '../../schema/jobs.ts'
import type { Lease, SettleOutcome } from '../lease.ts'
import { jobAttempts } from '../reading/job-attempts.ts'
import { fail } from '../settle/fail.ts'
import { release } from '../settle/release.ts'
import { sleep } from '../sleep.ts'
import type { Completions } from './completions.ts'
import type { Handler } from './handler.ts'
import { type AbortReason, JobAbortedError } from './job-aborted-error.ts'
import { jobContext } from './job-context.ts'
import { LeaseLostError } from './lease-lost-error.ts'
import type { Report } from './report-errors.ts'
import { retryRules } from './retry-rules.ts'
import type { AttemptTelemetry, Telemetry } from './telemetry.ts'
import type { WorkerEvent, WorkerEventType } from './worker-event.ts'

/** What a running job needs of its worker. */
export interface JobHost {
  readonly workerId: string
  /** The handlers' database. */
  readonly db: Database
  /** The worker's own connections: for heartbeats and settlements. */
  readonly own: Database
  readonly completions: Completions
  readonly leaseSeconds: number
  readonly abortSeconds: number
  readonly report: Report
  readonly emit: (event: WorkerEvent) => void
  readonly telemetry: Telemetry | undefined
  /** Aborted when the worker has ended: what is not settled then is left to its lease. */
  readonly ended: AbortSignal
}

/** How an attempt is to end, and what that is called when the database has agreed. */
interface Settlement {
  readonly type: WorkerEventType
  readonly act: () => Promise<SettleOutcome>
  readonly error?: unknown
}

/** One job in the hands of a worker: from its claim until its lease is settled. */
export class RunningJob {
  readonly job: Job
  readonly lease: Lease
  /** When the lease ends if no heartbeat succeeds, by this process's own clock (performance.now). */
  leaseEndsAt: number
  readonly #host: JobHost
  /** When it was asked for, by the clock of leaseEndsAt. */
  readonly #claimedAt: number
  readonly #abort = new AbortController()
  #handlerStartedAt = 0
  #span: AttemptTelemetry | undefined
  /** Settled, by the handler itself (waiting, snoozed) or after it. */
  #settledAs: WorkerEventType | undefined
  /** The database has said that this lease is over: nothing that is settled with it would count. */
  #isOver = false

  constructor(host: JobHost, job: Job, claimedAt: number) {
    this.#host = host
    this.job = job
    this.#claimedAt = claimedAt
    this.lease = { id: job.id, leaseToken: job.leaseToken }
    this.leaseEndsAt = claimedAt + host.leaseSeconds * 1000
  }

  /** Asks the handler to stop; the first reason counts. */
  abort(reason: AbortReason): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new JobAbortedError(reason))
  }

  /** The database says that the lease is over. */
  lose(): void {
    this.#isOver = true
    this.abort('lease_lost')
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted
  }

  get #abortReason(): AbortReason | undefined {
    const { signal } = this.#abort
    return signal.aborted ? (signal.reason as JobAbortedError).reason : undefined
  }

  /**
   * Runs the handler and settles the lease; onHandled is called between. Rejects only if the database stays away longer
   * than the lease.
   */
  async run(handler: Handler | undefined, onHandled: () => void): Promise<void> {
    const timers = this.#limitTimers()
    this.#handlerStartedAt = performance.now()
    if (handler !== undefined) {
      this.#span = this.#host.telemetry?.start(this.job)
      this.#emit('started')
    }
    try {
      const settlement = await this.#handle(handler)
      onHandled()
      await this.#settle(settlement)
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  }

  /** Gives the job back as if it had not been claimed. */
  async giveBack(): Promise<void> {
    await this.#settle(this.#released())
  }

  /** Runs the handler, or as much of it as there is time for. @returns what settles the lease then. */
  async #handle(handler: Handler | undefined): Promise<Settlement> {
    // Only a database that does not choose by intent hands out such a job. Somebody else has the handler: a newer version.
    if (handler === undefined) return this.#released()
    const ended = new AbortController()
    const settlement = await Promise.race([this.#call(handler), this.#ignoredSignal(ended.signal)])
    ended.abort()
    return settlement
  }

  async #call(handler: Handler): Promise<Settlement> {
    try {
      const { db } = this.#host
      const context = jobContext({
        db,
        lease: this.lease,
        traceId: this.#span?.traceparent ?? this.job.traceId ?? undefined,
        signal: this.#abort.signal,
        onSettled: (type) => {
          this.#settledAs = type
          this.#emit(type)
        },
      })
      const call = () => handler(this.job, context)
      const result = await (this.#span ? this.#span.run(call) : call())
      const completion = { ...this.lease, ...(result !== undefined && { result }) }
      return { type: 'completed', act: () => this.#host.completions.complete(completion) }
    } catch (error) {
      return this.#afterError(error)
    }
  }

  /** When the handler has ignored its aborted signal for long enough. */
  async #ignoredSignal(ended: AbortSignal): Promise<Settlement> {
    const { signal } = this.#abort
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
      ended.addEventListener('abort', () => resolve(), { once: true })
    })
    if (!ended.aborted) await sleep(this.#host.abortSeconds * 1000, ended)
    const settlement = this.#afterError(signal.reason)
    if (!ended.aborted && this.#settledAs === undefined) {
      const { abortSeconds, report } = this.#host
      const reason = this.#abortReason ?? 'shutdown'
      const message = `the handler still ran ${abortSeconds} s after its signal was aborted (${reason}); its place is given to another job, and what it does with its lease is refused`
      report(new JobAbortedError(reason, message), this.job)
    }
    return settlement
  }

  #released(): Settlement {
    return { type: 'released', act: () => release(this.#host.own, this.lease) }
  }

  #afterError(error: unknown): Settlement {
    const { own } = this.#host
    const reason = this.#abortReason
    if (reason === 'cancelled') return { ...this.#released(), type: 'cancelled' }
    if (reason === 'shutdown') {
      // The handler had begun: whether that counts, the job says.
      if (this.job.onLost === 'retry') return this.#released()
      const message = 'the worker was stopped before the handler had ended'
      return this.#failed({ code: reason, message }, { retryable: true })
    }
    if (reason === 'attempt_timeout') {
      const message = `the attempt took longer than ${this.job.attemptTimeoutSeconds} seconds`
      return this.#failed({ code: reason, message }, { retryable: true })
    }
    // Left to the lease, which may not have ended after all: an error of the handler's own counts then.
    if (reason === 'lease_lost' && (error === this.#abort.signal.reason || isAbortError(error))) {
      return { type: 'lease_lost', act: async () => 'stale_lease' }
    }
    if (reason === 'deadline_exceeded') {
      const message = `the job was not done by its deadline, ${this.job.deadlineAt?.toISOString()}`
      const late = { code: reason, message }
      return {
        type: 'failed',
        error: late,
        act: () => fail(own, { ...this.lease, error: late, retryable: false }),
      }
    }
    return this.#failed(error, retryRules(error))
  }

  #failed(error: unknown, rules: ReturnType<typeof retryRules>): Settlement {
    const { attempt, maxAttempts } = this.job
    return {
      type: rules.retryable && attempt < maxAttempts ? 'retried' : 'failed',
      error,
      act: () => fail(this.#host.own, { ...this.lease, error, ...rules }),
    }
  }

  /**
   * Settles once. Tries again while the database is away and the lease may still be ours, and for as long as the row is
   * locked by somebody else: nobody can take it over meanwhile. A lease that seems to have ended is tried all the same,
   * for the database decides.
   */
  async #settle(settlement: Settlement): Promise<void> {
    let { type, act, error } = settlement
    let isUnsure = false
    let isRefused = false
    for (let pause = 50; this.#settledAs === undefined && !this.#isOver; pause = Math.min(pause * 2, 2000)) {
      try {
        const outcome = await act()
        if (outcome === 'locked') {
          if (this.#host.ended.aborted) return
          await sleep(Math.min(pause, 500), this.#host.ended)
          continue
        }
        const isStale = outcome === 'stale_lease' || outcome === 'not_found'
        const settledAs = isStale && isUnsure ? await this.#recorded() : undefined
        if (isStale && settledAs === undefined) return this.#lost()
        this.#settledAs = settledAs ?? (outcome === 'cancelled' ? 'cancelled' : type)
        this.#emit(this.#settledAs, error)
      } catch (thrown) {
        if (thrown instanceof InvalidInputError && !isRefused) {
          // What cannot be stored will not become storable: that is the handler's failure.
          isRefused = true
          ;({ type, act, error } = this.#failed(thrown, { retryable: false }))
        } else if (performance.now() > this.leaseEndsAt || this.#host.ended.aborted) {
          throw thrown
        } else {
          // The connection may have been lost after the database had done it.
          isUnsure = true
        }
        await sleep(pause)
      }
    }
    if (this.#settledAs === undefined) this.#lost()
  }

  /** How this lease ended, if its own worker ended it. */
  async #recorded(): Promise<WorkerEventType | undefined> {
    const attempts = await jobAttempts(this.#host.own, { id: this.job.id })
    const outcome = attempts.find(({ leaseToken }) => leaseToken === this.lease.leaseToken)?.outcome
    return outcome === 'lease_lost' ? undefined : outcome
  }

  #lost(): void {
    this.#isOver = true
    this.#emit('lease_lost')
    const message = `the lease of this attempt ended before it was settled, so its outcome does not count`
    this.#host.report(new LeaseLostError(message), this.job)
  }

  #emit(type: WorkerEventType, error?: unknown): void {
    const { workerId, emit, report } = this.#host
    const { job } = this
    const readyAt = Math.max(job.runAt.getTime(), job.createdAt.getTime())
    emit({
      type,
      workerId,
      job,
      waitedMilliseconds: Math.max(0, (job.startedAt?.getTime() ?? readyAt) - readyAt),
      durationMilliseconds: type === 'started' ? 0 : performance.now() - this.#handlerStartedAt,
      ...(error !== undefined && { error }),
    })
    if (type !== 'started') {
      this.#span?.end(type, error)
      this.#span = undefined
    }
    if (type === 'failed' || type === 'retried') report(error, job)
  }

  /** Aborts the handler at the job's deadline, and when the attempt has taken as long as it may. */
  #limitTimers(): NodeJS.Timeout[] {
    const { deadlineAt, startedAt, attemptTimeoutSeconds } = this.job
    const timers: NodeJS.Timeout[] = []
    // Counted from before the claim, so that the database's own limit comes later.
    const after = (milliseconds: number, reason: AbortReason) => {
      const left = this.#claimedAt + milliseconds - performance.now()
      const pause = Math.min(Math.max(left, 0), 2 ** 31 - 1)
      timers.push(setTimeout(() => this.abort(reason), pause))
    }
    // By the database's clock at the claim, so that this machine's may be wrong.
    if (deadlineAt && startedAt) after(deadlineAt.getTime() - startedAt.getTime(), 'deadline_exceeded')
    if (attemptTimeoutSeconds !== null) after(attemptTimeoutSeconds * 1000, 'attempt_timeout')
    return timers
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
