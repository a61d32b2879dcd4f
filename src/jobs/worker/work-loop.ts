import { setMaxListeners } from 'node:events'
import type { Database } from '../../database/database.ts'
import { clientOf, isPglite, type OwnClient, ownClient } from '../../database/own-client.ts'
import { ConfigurationError } from '../../errors.ts'
import { claim } from '../claim/claim.ts'
import { onJobs } from '../reading/on-jobs.ts'
import { runSchedules } from '../schedules/run-schedules.ts'
import { sleep } from '../sleep.ts'
import { Completions } from './completions.ts'
import type { Handler } from './handler.ts'
import { Heartbeats } from './heartbeats.ts'
import { type Report, reportErrors } from './report-errors.ts'
import { type JobHost, RunningJob } from './running-job.ts'
import { openTelemetry, type Telemetry } from './telemetry.ts'
import type { WorkOptions, WorkSettings } from './work-options.ts'

/** A worker: claims jobs, runs their handlers, and ends when it is told to stop and the jobs have ended. */
export class WorkLoop {
  readonly #db: Database
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #settings: WorkSettings & { readonly workerId: string }
  readonly #options: WorkOptions
  readonly #report: Report
  /** Whose lease is not settled yet. */
  readonly #running = new Map<RunningJob, Promise<void>>()
  /** How many of them have a handler that still runs. */
  #handling = 0
  readonly #stopping = new AbortController()
  readonly #ended = new AbortController()
  #nap = new AbortController()

  constructor(
    db: Database,
    handlers: ReadonlyMap<string, Handler>,
    settings: WorkSettings & { readonly workerId: string },
    options: WorkOptions,
  ) {
    this.#db = db
    this.#handlers = handlers
    this.#settings = settings
    this.#options = options
    // Each job that settles may wait for it.
    setMaxListeners(0, this.#ended.signal)
    this.#report = reportErrors({ workerId: settings.workerId, queue: settings.queue }, options.onError)
  }

  /** Stops claiming; `run` ends when the jobs have. */
  readonly stop = (): void => {
    this.#stopping.abort()
    this.#nap.abort()
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const own = await this.#openOwn()
    const host = this.#host(own?.db ?? this.#db, await this.#openTelemetry())
    const heartbeats = new Heartbeats(host, this.#settings.heartbeatSeconds)
    const beating = heartbeats.run(() => [...this.#running.keys()])
    const schedules = this.#options.schedules
      ? runSchedules(host.own, { onError: (error) => this.#report(error), signal: this.#stopping.signal })
      : undefined
    const stopListening = await this.#listen()
    await this.#claimUntilStopped(host)
    await stopListening?.().catch((error) => this.#report(error))
    await this.#drain()
    await schedules?.stopped
    this.#ended.abort()
    await beating
    await own?.close().catch((error) => this.#report(error))
  }

  #host(own: Database, telemetry: Telemetry | undefined): JobHost {
    const { workerId, leaseSeconds, abortSeconds } = this.#settings
    const { onEvent } = this.#options
    return {
      workerId,
      db: this.#db,
      own,
      completions: new Completions(own),
      leaseSeconds,
      abortSeconds,
      report: this.#report,
      ended: this.#ended.signal,
      telemetry,
      emit: (event) => {
        try {
          onEvent?.(event)
        } catch (error) {
          this.#report(error, event.job)
        }
      },
    }
  }

  async #openOwn(): Promise<OwnClient | undefined> {
    const { ownConnections } = this.#settings
    if (ownConnections === 0 || isPglite(clientOf(this.#db))) return undefined
    try {
      const own = await ownClient(this.#db, ownConnections)
      if (own) return own
      const message = `this worker shares the connections of its handlers, because db is not a Drizzle database over postgres.js or a Pool of node-postgres: handlers that hold all of them for longer than leaseSeconds, ${this.#settings.leaseSeconds}, lose their leases (ownConnections: 0 accepts that)`
      this.#report(new ConfigurationError(message))
    } catch (error) {
      this.#report(error)
    }
    return undefined
  }

  async #openTelemetry(): Promise<Telemetry | undefined> {
    if (!this.#options.telemetry) return undefined
    try {
      return await openTelemetry(this.#settings.workerId)
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  async #claimUntilStopped(host: JobHost): Promise<void> {
    const { pollMilliseconds, maxPollMilliseconds, batch } = this.#settings
    let pause = pollMilliseconds
    while (!this.#stopping.signal.aborted) {
      const free = this.#free()
      if (free > 0) {
        const limit = Math.min(free, batch)
        const begun = await this.#claim(host, limit)
        if (begun === limit) {
          pause = pollMilliseconds
          continue
        }
        pause = begun > 0 ? pollMilliseconds : Math.min(pause * 2, maxPollMilliseconds)
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
    const { concurrency } = this.#settings
    return Math.min(concurrency - this.#handling, 2 * concurrency - this.#running.size)
  }

  /** @returns how many jobs were found that there is a handler for. */
  async #claim(host: JobHost, limit: number): Promise<number> {
    const { queue, modes, leaseSeconds, workerId } = this.#settings
    try {
      const claimedAt = performance.now()
      const jobs = await claim(host.own, {
        queue,
        limit,
        workerId,
        leaseSeconds,
        ...(!this.#handlers.has('*') && { intents: [...this.#handlers.keys()] }),
        ...(modes && { modes }),
      })
      let begun = 0
      for (const job of jobs) {
        const running = new RunningJob(host, job, claimedAt)
        const handler = this.#handlers.get(job.intent) ?? this.#handlers.get('*')
        if (handler !== undefined) begun += 1
        this.#begin(running, handler)
      }
      return begun
    } catch (error) {
      this.#report(error)
      return 0
    }
  }

  #begin(running: RunningJob, handler: Handler | undefined): void {
    const freeing = (free: () => void) => {
      const wasFull = this.#free() === 0
      free()
      if (wasFull) this.#nap.abort()
    }
    this.#handling += 1
    const handled = () => freeing(() => (this.#handling -= 1))
    // What was claimed while the worker was told to stop has not begun, and goes back at once.
    const ended = this.#stopping.signal.aborted
      ? running.giveBack().finally(handled)
      : running.run(handler, handled)
    this.#running.set(
      running,
      ended
        .catch((error) => this.#report(error, running.job))
        .finally(() => freeing(() => this.#running.delete(running))),
    )
  }

  /** Lets the handlers finish; aborts those that do not, after which each has `abortSeconds` (see RunningJob). */
  async #drain(): Promise<void> {
    const { drainSeconds, abortSeconds } = this.#settings
    await this.#allEnded(drainSeconds)
    for (const job of this.#running.keys()) job.abort('shutdown')
    // What cannot be settled, because the database is away or the row locked, is left to its lease.
    await this.#allEnded(abortSeconds + 5)
  }

  async #allEnded(withinSeconds: number): Promise<void> {
    const ended = new AbortController()
    const jobs = Promise.all(this.#running.values()).then(() => ended.abort())
    await Promise.race([jobs, sleep(withinSeconds * 1000, ended.signal)])
  }

  async #listen(): Promise<(() => Promise<void>) | undefined> {
    if (!this.#options.isListening) return undefined
    try {
      return await onJobs(this.#db, { queue: this.#settings.queue, onReady: () => this.#nap.abort() })
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }
}
