import type { Database } from '../database/database.ts'
import { InvalidInputError } from '../errors.ts'
import type { Job } from '../schema/jobs.ts'
import { addUsage } from './add-usage.ts'
import type { Completions } from './completions.ts'
import { enqueue } from './enqueue.ts'
import { fail, toJobError } from './fail.ts'
import type { Handler, JobContext } from './handler.ts'
import { type AbortReason, JobAbortedError } from './job-aborted-error.ts'
import type { Lease, SettleOutcome } from './lease.ts'
import { release } from './release.ts'
import { reportProgress } from './report-progress.ts'
import { sleep } from './sleep.ts'
import { snooze } from './snooze.ts'
import { waitFor } from './wait-for.ts'

/** One job in the hands of a worker: from its claim until its lease is settled. */
export class RunningJob {
  readonly lease: Lease
  /** When the lease ends if no heartbeat succeeds, by this process's own clock (performance.now). */
  leaseEndsAt: number
  readonly #job: Job
  readonly #db: Database
  readonly #abort = new AbortController()
  #isSettled = false

  constructor(db: Database, job: Job, leaseSeconds: number, claimedAt: number) {
    this.#db = db
    this.#job = job
    this.lease = { id: job.id, leaseToken: job.leaseToken }
    this.leaseEndsAt = claimedAt + leaseSeconds * 1000
  }

  /** Asks the handler to stop; the first reason counts. */
  abort(reason: AbortReason): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new JobAbortedError(reason))
  }

  get #abortReason(): AbortReason | undefined {
    const { signal } = this.#abort
    return signal.aborted ? (signal.reason as JobAbortedError).reason : undefined
  }

  /**
   * Runs the handler and settles the lease; onHandled is called between. Rejects only if the database stays away longer
   * than the lease.
   */
  async run(
    handler: Handler | undefined,
    completions: Completions,
    leaseSeconds: number,
    onHandled: () => void,
  ): Promise<void> {
    const deadline = this.#deadlineTimer(leaseSeconds)
    try {
      const settle = await this.#handle(handler, completions)
      onHandled()
      await this.#settle(settle)
    } finally {
      clearTimeout(deadline)
    }
  }

  /** Runs the handler. @returns what settles the lease then. */
  async #handle(
    handler: Handler | undefined,
    completions: Completions,
  ): Promise<() => Promise<SettleOutcome>> {
    try {
      if (handler === undefined)
        throw new InvalidInputError(`this worker has no handler for ${this.#job.intent}`)
      const result = await handler(this.#job, this.#context())
      return () => completions.complete({ ...this.lease, ...(result !== undefined && { result }) })
    } catch (error) {
      return () => this.#afterError(error)
    }
  }

  /** Gives the job back although its handler still runs; whatever that does now is refused. */
  async letGo(): Promise<void> {
    await this.#settle(() => release(this.#db, this.lease))
  }

  async #afterError(error: unknown): Promise<SettleOutcome> {
    const reason = this.#abortReason
    if (reason === 'cancelled' || reason === 'shutdown') return release(this.#db, this.lease)
    if (reason === 'deadline_exceeded') {
      const message = `the job was not done by its deadline, ${this.#job.deadlineAt?.toISOString()}`
      return fail(this.#db, { ...this.lease, error: { code: reason, message }, retryable: false })
    }
    const { retryable, retryInSeconds } = (error ?? {}) as { retryable?: unknown; retryInSeconds?: unknown }
    return fail(this.#db, {
      ...this.lease,
      error: toJobError(error),
      retryable: retryable !== false,
      ...(typeof retryInSeconds === 'number' && { retryInSeconds }),
    })
  }

  /** Settles once, and tries again while the database is away and the lease may still be ours. */
  async #settle(act: () => Promise<SettleOutcome>): Promise<void> {
    for (
      let pause = 50;
      !this.#isSettled && this.#abortReason !== 'lease_lost';
      pause = Math.min(pause * 2, 2000)
    ) {
      try {
        await act()
        this.#isSettled = true
      } catch (error) {
        // What cannot be stored will not become storable: that is the handler's failure.
        if (error instanceof InvalidInputError) {
          act = () =>
            fail(this.#db, {
              ...this.lease,
              error: { code: error.code, message: error.message },
              retryable: false,
            })
        } else if (performance.now() > this.leaseEndsAt) {
          throw error
        }
        await sleep(pause)
      }
    }
  }

  #deadlineTimer(leaseSeconds: number): NodeJS.Timeout | undefined {
    const { deadlineAt, leaseExpiresAt } = this.#job
    if (deadlineAt === null || leaseExpiresAt === null) return undefined
    // The database's clock at the claim, so that this machine's may be wrong.
    const claimedAt = leaseExpiresAt.getTime() - leaseSeconds * 1000
    const left = deadlineAt.getTime() - claimedAt
    return setTimeout(() => this.abort('deadline_exceeded'), Math.min(Math.max(left, 0), 2 ** 31 - 1))
  }

  #context(): JobContext {
    const db = this.#db
    const { lease } = this
    const settled = async (outcome: Promise<SettleOutcome>) => {
      const answer = await outcome
      this.#isSettled = true
      return answer
    }
    return {
      db,
      signal: this.#abort.signal,
      reportProgress: (progress, message) =>
        reportProgress(db, { ...lease, progress, ...(message !== undefined && { message }) }),
      addUsage: (usage) => addUsage(db, { ...usage, ...lease }),
      enqueueChild: (options) => enqueue(db, { ...options, parentId: lease.id }),
      waitFor: async (options) => {
        const answer = await waitFor(db, { ...options, ...lease })
        this.#isSettled = true
        return answer
      },
      snooze: (delaySeconds) => settled(snooze(db, { ...lease, delaySeconds })),
    }
  }
}
