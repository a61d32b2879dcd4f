import { heartbeat } from '../settle/heartbeat.ts'
import { sleep } from '../sleep.ts'
import { LeaseLostError } from './lease-lost-error.ts'
import type { JobHost, RunningJob } from './running-job.ts'

// How soon a lease is tried again whose row somebody else has locked.
const lockedMilliseconds = 200

/** Extends all leases of a worker together; a lease that could not be extended in time counts as lost. */
export class Heartbeats {
  readonly #host: JobHost
  readonly #seconds: number

  constructor(host: JobHost, seconds: number) {
    this.#host = host
    this.#seconds = seconds
  }

  /** Until the worker has ended. @param running gives the jobs whose leases are not settled yet. */
  async run(running: () => readonly RunningJob[]): Promise<void> {
    const signal = this.#host.ended
    let locked: ReadonlySet<RunningJob> = new Set()
    while (!signal.aborted) {
      const pause =
        locked.size > 0 ? Math.min(lockedMilliseconds, this.#seconds * 1000) : this.#seconds * 1000
      const dueAt = performance.now() + pause
      await sleep(pause, signal)
      const jobs = running()
      if (signal.aborted || jobs.length === 0) continue
      locked = await this.#beat(jobs, Math.max(0, performance.now() - dueAt))
    }
  }

  /** @returns the jobs whose rows are locked. */
  async #beat(jobs: readonly RunningJob[], lateMilliseconds: number): Promise<ReadonlySet<RunningJob>> {
    const { leaseSeconds, report } = this.#host
    const endingAt = Math.min(
      ...jobs.map((job) => (job.isAborted ? Number.POSITIVE_INFINITY : job.leaseEndsAt)),
    )
    const answered = new AbortController()
    const extending = this.#extend(jobs).finally(() => answered.abort())
    const answerWithin = async (milliseconds: number) => {
      const late = sleep(milliseconds, answered.signal).then((): ReadonlySet<RunningJob> => new Set())
      return Promise.race([extending, late])
    }
    // A database that does not answer must not hide that a lease has ended meanwhile.
    const answerBy = Math.max(endingAt, performance.now()) + 1
    let locked = await answerWithin(answerBy - performance.now())
    // But when it was this process that stood still, the database is asked: an ended lease is ours if nobody wanted the job.
    const stillMilliseconds = Math.max(lateMilliseconds, performance.now() - answerBy)
    if (stillMilliseconds > leaseSeconds * 250 && performance.now() > endingAt) {
      if (!answered.signal.aborted) locked = await answerWithin(Math.min(5000, leaseSeconds * 250))
      const seconds = (stillMilliseconds / 1000).toFixed(1)
      report(
        new LeaseLostError(
          `no heartbeat was possible because the event loop was blocked for ${seconds} s, and leases last ${leaseSeconds} s: ${intents(jobs)} should give their CPU-heavy work to a worker thread or another process, or leaseSeconds should be longer`,
        ),
      )
    }
    for (const job of jobs) {
      if (locked.has(job) || job.isAborted || performance.now() <= job.leaseEndsAt) continue
      job.abort('lease_lost')
      report(
        new LeaseLostError(
          `the lease may have ended: no heartbeat succeeded within its ${leaseSeconds} s, the database did not answer in time`,
        ),
        job.job,
      )
    }
    return locked
  }

  async #extend(jobs: readonly RunningJob[]): Promise<Set<RunningJob>> {
    const { own, leaseSeconds, report } = this.#host
    const askedAt = performance.now()
    const locked = new Set<RunningJob>()
    try {
      const leases = jobs.map(({ lease }) => lease)
      const states = await heartbeat(own, { leases, leaseSeconds })
      for (const [at, { state }] of states.entries()) {
        const job = jobs[at]
        if (job === undefined) continue
        if (state === 'lost') job.lose()
        else if (state === 'locked') {
          // Nobody can take the lease either while the row is locked: it holds until the database has been asked again.
          job.leaseEndsAt = Math.max(job.leaseEndsAt, askedAt + Math.min(2000, leaseSeconds * 1000))
          locked.add(job)
        } else if (state === 'timed_out') job.abort('attempt_timeout')
        else job.leaseEndsAt = askedAt + leaseSeconds * 1000
        if (state === 'cancel_requested') job.abort('cancelled')
      }
    } catch (error) {
      report(error)
    }
    return locked
  }
}

function intents(jobs: readonly RunningJob[]): string {
  return `handlers of ${[...new Set(jobs.map(({ job }) => job.intent))].slice(0, 5).join(', ')}`
}
