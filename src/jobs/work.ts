import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Database } from '../database/database.ts'
import { InvalidInputError } from '../errors.ts'
import type { ExecutionMode } from '../schema/enums.ts'
import { claim } from './claim.ts'
import { Completions } from './completions.ts'
import type { Handler } from './handler.ts'
import { heartbeat } from './heartbeat.ts'
import { onJobs } from './on-jobs.ts'
import { RunningJob } from './running-job.ts'
import { sleep } from './sleep.ts'

export interface WorkOptions {
  /** 'default' by default. */
  readonly queue?: string
  /** A name that tells this worker from every other; by default of the host, the process and a random part. */
  readonly workerId?: string
  /** Only jobs of these modes; of any by default. */
  readonly modes?: readonly ExecutionMode[]
  /** How many jobs at the same time; 10 by default. */
  readonly concurrency?: number
  /** How many jobs are claimed at once at most; `concurrency` by default. */
  readonly batch?: number
  /** How long leases last without a heartbeat; 60 by default. A dead worker's jobs are taken over after that. */
  readonly leaseSeconds?: number
  /** How often leases are extended; a third of `leaseSeconds` by default. */
  readonly heartbeatSeconds?: number
  /** The pause after an empty claim, 100 by default; it doubles up to `maxPollMilliseconds`, 2000 by default. */
  readonly pollMilliseconds?: number
  readonly maxPollMilliseconds?: number
  /** Also wakes up at notifications (see `onJobs` for what that needs); false by default. */
  readonly isListening?: boolean
  /** Stops the worker, as `stop()` does. */
  readonly signal?: AbortSignal
  /** How long `stop()` lets handlers finish before it aborts them, 30 by default, and then waits for them, 5. */
  readonly drainSeconds?: number
  readonly abortSeconds?: number
  /** Told about what goes wrong beside the handlers, a database that is away for example; the worker goes on. */
  readonly onError?: (error: unknown) => void
}

export interface Worker {
  readonly workerId: string
  /** Claims no more, lets the handlers finish, aborts those that do not, and gives their jobs back. */
  stop(): Promise<void>
  /** Resolves when the worker has stopped. */
  readonly stopped: Promise<void>
}

/**
 * Works on the jobs of a queue: claims them, calls the handler of their intent (`'*'` is called for any other), extends
 * their leases, and settles them. Handlers get an AbortSignal for a lost lease, a cancellation, a deadline and shutdown.
 *
 * @param handlers by intent; see {@link Handler}.
 * @throws InvalidInputError for an option out of range.
 * @example
 * const worker = work(db, { summarise: async (job, { signal }) => summarise(job.inputs, signal) }, { concurrency: 4 })
 * process.once('SIGTERM', () => worker.stop())
 */
export function work(
  db: Database,
  handlers: Readonly<Record<string, Handler>>,
  options: WorkOptions = {},
): Worker {
  const loop = new WorkLoop(db, new Map(Object.entries(handlers)), options)
  const stopped = loop.run()
  const stop = () => {
    loop.stop()
    return stopped
  }
  if (options.signal?.aborted) loop.stop()
  options.signal?.addEventListener('abort', loop.stop, { once: true })
  return { workerId: loop.workerId, stop, stopped }
}

class WorkLoop {
  readonly workerId: string
  readonly #db: Database
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #options: WorkOptions
  readonly #concurrency: number
  readonly #leaseSeconds: number
  readonly #completions: Completions
  /** Whose lease is not settled yet. */
  readonly #running = new Map<RunningJob, Promise<void>>()
  /** How many of them have a handler that still runs. */
  #handling = 0
  readonly #stopping = new AbortController()
  #nap = new AbortController()

  constructor(db: Database, handlers: ReadonlyMap<string, Handler>, options: WorkOptions) {
    this.#db = db
    this.#handlers = handlers
    this.#options = options
    this.#concurrency = positive('concurrency', options.concurrency ?? 10)
    this.#leaseSeconds = positive('leaseSeconds', options.leaseSeconds ?? 60)
    positive('heartbeatSeconds', options.heartbeatSeconds ?? 1)
    positive('batch', options.batch ?? 1)
    this.#completions = new Completions(db)
    this.workerId = options.workerId ?? `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`
  }

  /** Stops claiming; `run` ends when the jobs have. */
  readonly stop = (): void => {
    this.#stopping.abort()
    this.#nap.abort()
  }

  async run(): Promise<void> {
    const heartbeats = new AbortController()
    const beating = this.#beat(heartbeats.signal)
    const stopListening = await this.#listen()
    await this.#claimUntilStopped()
    await stopListening?.().catch((error) => this.#report(error))
    await this.#drain()
    heartbeats.abort()
    await beating
  }

  async #claimUntilStopped(): Promise<void> {
    const {
      pollMilliseconds = 100,
      maxPollMilliseconds = 2000,
      queue = 'default',
      modes,
      batch,
    } = this.#options
    let pause = pollMilliseconds
    while (!this.#stopping.signal.aborted) {
      const free = this.#free()
      let found = 0
      const limit = Math.min(free, batch ?? free)
      if (free > 0) {
        found = await this.#claim({ queue, limit, ...(modes && { modes }) })
        if (found === limit) {
          pause = pollMilliseconds
          continue
        }
        pause = found > 0 ? pollMilliseconds : Math.min(pause * 2, maxPollMilliseconds)
      }
      // With every slot taken there is nothing to poll for: the end of a job wakes this up.
      await sleep(free > 0 ? pause : 60_000, this.#nap.signal)
      if (!this.#stopping.signal.aborted) this.#nap = new AbortController()
    }
  }

  /**
   * How many jobs may be claimed. A job whose handler is done gives its place up while it is settled, so that the next are
   * claimed meanwhile; but no more than twice the concurrency are held if settling takes long.
   */
  #free(): number {
    return Math.min(this.#concurrency - this.#handling, 2 * this.#concurrency - this.#running.size)
  }

  async #claim(what: { queue: string; limit: number; modes?: readonly ExecutionMode[] }): Promise<number> {
    try {
      const claimedAt = performance.now()
      const jobs = await claim(this.#db, {
        ...what,
        workerId: this.workerId,
        leaseSeconds: this.#leaseSeconds,
      })
      for (const job of jobs) {
        const running = new RunningJob(this.#db, job, this.#leaseSeconds, claimedAt)
        const handler = this.#handlers.get(job.intent) ?? this.#handlers.get('*')
        const freeing = (free: () => void) => {
          const wasFull = this.#free() === 0
          free()
          if (wasFull) this.#nap.abort()
        }
        this.#handling += 1
        const ended = running
          .run(handler, this.#completions, this.#leaseSeconds, () => freeing(() => (this.#handling -= 1)))
          .catch((error) => this.#report(error))
          .finally(() => freeing(() => this.#running.delete(running)))
        this.#running.set(running, ended)
      }
      return jobs.length
    } catch (error) {
      this.#report(error)
      return 0
    }
  }

  /** Extends all leases together; a lease that could not be extended in time counts as lost. */
  async #beat(until: AbortSignal): Promise<void> {
    const { heartbeatSeconds = this.#leaseSeconds / 3 } = this.#options
    while (!until.aborted) {
      await sleep(heartbeatSeconds * 1000, until)
      if (until.aborted || this.#running.size === 0) continue
      const jobs = [...this.#running.keys()]
      // A database that does not answer must not hide that a lease has ended meanwhile.
      const leaseEnds = Math.min(...jobs.map(({ leaseEndsAt }) => leaseEndsAt))
      await Promise.race([this.#extend(jobs), sleep(leaseEnds - performance.now() + 1, until)])
      for (const job of jobs) if (performance.now() > job.leaseEndsAt) job.abort('lease_lost')
    }
  }

  async #extend(jobs: readonly RunningJob[]): Promise<void> {
    const askedAt = performance.now()
    try {
      const leases = jobs.map(({ lease }) => lease)
      const states = await heartbeat(this.#db, { leases, leaseSeconds: this.#leaseSeconds })
      states.forEach(({ state }, at) => {
        const job = jobs[at]
        if (job === undefined) return
        if (state === 'lost') job.abort('lease_lost')
        else job.leaseEndsAt = askedAt + this.#leaseSeconds * 1000
        if (state === 'cancel_requested') job.abort('cancelled')
      })
    } catch (error) {
      this.#report(error)
    }
  }

  async #drain(): Promise<void> {
    const { drainSeconds = 30, abortSeconds = 5 } = this.#options
    await this.#allEnded(drainSeconds)
    for (const job of this.#running.keys()) job.abort('shutdown')
    await this.#allEnded(abortSeconds)
    await Promise.all(
      [...this.#running.keys()].map((job) => job.letGo().catch((error) => this.#report(error))),
    )
  }

  async #allEnded(withinSeconds: number): Promise<void> {
    const ended = new AbortController()
    const jobs = Promise.all(this.#running.values()).then(() => ended.abort())
    await Promise.race([jobs, sleep(withinSeconds * 1000, ended.signal)])
  }

  async #listen(): Promise<(() => Promise<void>) | undefined> {
    if (!this.#options.isListening) return undefined
    try {
      return await onJobs(this.#db, {
        queue: this.#options.queue ?? 'default',
        onReady: () => this.#nap.abort(),
      })
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(error)
  }
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value
  throw new InvalidInputError(`${name} must be a number greater than 0, got ${String(value)}`)
}
