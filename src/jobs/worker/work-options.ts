import type { Database } from '../../database/database.ts'
import { InvalidInputError } from '../../errors.ts'
import { type ExecutionMode, executionMode } from '../../schema/enums.ts'
import type { Handler } from './handler.ts'
import type { ErrorContext } from './report-errors.ts'
import type { WorkerEvent } from './worker-event.ts'

export interface WorkOptions {
  /** 'default' by default. */
  readonly queue?: string
  /** A name that tells this worker from every other; by default of the host, the process and a random part. */
  readonly workerId?: string
  /** Only jobs of these modes; of any by default. */
  readonly modes?: readonly ExecutionMode[]
  /** How many jobs at the same time, 1 to 10000; 10 by default. */
  readonly concurrency?: number
  /** How many jobs are claimed at once at most, 1 to 10000; `concurrency` by default. */
  readonly batch?: number
  /** How long leases last without a heartbeat, 0.01 to 604800; 60 by default. A dead worker's jobs are taken over after that. */
  readonly leaseSeconds?: number
  /** How often leases are extended, less than `leaseSeconds`; a third of it by default. */
  readonly heartbeatSeconds?: number
  /** The pause after an empty claim, 100 by default; it doubles up to `maxPollMilliseconds`, 2000 by default. */
  readonly pollMilliseconds?: number
  readonly maxPollMilliseconds?: number
  /** Also wakes up at notifications (see `onJobs` for what that needs); false by default. */
  readonly isListening?: boolean
  /**
   * How many connections the worker opens for its own claims, heartbeats and settlements at most, so that handlers which
   * hold every connection of `db` for long do not cost it its leases; 3 by default, opened when they are needed. 0: those
   * of `db` are used, as they are where the driver is none of postgres.js and node-postgres.
   */
  readonly ownConnections?: number
  /** Also enqueues what is due of all schedules (see `runSchedules`), whatever their queue; false by default. */
  readonly schedules?: boolean
  /** Stops the worker, as `stop()` does. */
  readonly signal?: AbortSignal
  /** How long `stop()` lets handlers finish before it aborts them; 30 by default. */
  readonly drainSeconds?: number
  /**
   * How long a handler whose signal was aborted may take to end; 5 by default. After that its job is settled without it
   * and its place given to another; whatever it still does with its lease is refused.
   */
  readonly abortSeconds?: number
  /**
   * Told about everything that goes wrong: a database that is away, a lease that was lost, and (with `context.job`) what a
   * handler threw. The worker goes on. Without it, a line is written to standard error, at most one a second and each once
   * a minute.
   */
  readonly onError?: (error: unknown, context: ErrorContext) => void
  /**
   * Makes a span of each attempt and measures it through `@opentelemetry/api`, which must be installed; false by default.
   * A span is part of the trace that the job's `traceId` names (see `activeTraceparent`), and jobs that a handler enqueues
   * as children go on with it.
   */
  readonly telemetry?: boolean
  /** Told what becomes of each attempt; see {@link WorkerEvent}. */
  readonly onEvent?: (event: WorkerEvent) => void
}

/** The options with their defaults, checked. */
export interface WorkSettings {
  readonly queue: string
  readonly modes: readonly ExecutionMode[] | undefined
  readonly concurrency: number
  readonly batch: number
  readonly leaseSeconds: number
  readonly heartbeatSeconds: number
  readonly pollMilliseconds: number
  readonly maxPollMilliseconds: number
  readonly ownConnections: number
  readonly drainSeconds: number
  readonly abortSeconds: number
}

/**
 * Checks everything that can be known to be wrong before the first claim.
 *
 * @throws InvalidInputError that names the option, what was expected and what came.
 */
export function checkWorkOptions(
  db: Database,
  handlers: Readonly<Record<string, Handler>>,
  options: WorkOptions,
): WorkSettings {
  if (typeof db?.execute !== 'function') {
    throw new InvalidInputError(`db must be a Drizzle database, got ${typeof db}`)
  }
  checkHandlers(handlers)
  const { queue = 'default', workerId, modes, concurrency = 10, leaseSeconds = 60 } = options
  within('concurrency', whole('concurrency', concurrency), 1, 10_000)
  const { batch = concurrency, pollMilliseconds = 100 } = options
  const { maxPollMilliseconds = Math.max(2000, pollMilliseconds), ownConnections = 3 } = options
  within('batch', whole('batch', batch), 1, 10_000)
  within('leaseSeconds', leaseSeconds, 0.01, 604_800)
  const { heartbeatSeconds = leaseSeconds / 3, drainSeconds = 30, abortSeconds = 5 } = options
  within('heartbeatSeconds', heartbeatSeconds, 0.001, leaseSeconds)
  if (heartbeatSeconds === leaseSeconds) {
    throw new InvalidInputError(
      `heartbeatSeconds must be less than leaseSeconds, ${leaseSeconds}, or every lease ends before it is extended`,
    )
  }
  within('pollMilliseconds', pollMilliseconds, 1, 86_400_000)
  within('maxPollMilliseconds', maxPollMilliseconds, 1, 86_400_000)
  within('ownConnections', whole('ownConnections', ownConnections), 0, 100)
  within('drainSeconds', drainSeconds, 0, 604_800)
  within('abortSeconds', abortSeconds, 0, 604_800)
  name('queue', queue)
  if (workerId !== undefined) name('workerId', workerId)
  const unknown = modes?.find((mode) => !executionMode.enumValues.includes(mode))
  if (unknown !== undefined || modes?.length === 0) {
    throw new InvalidInputError(
      `modes must be some of ${executionMode.enumValues.join(', ')}, got ${unknown ?? 'none'}`,
    )
  }
  return {
    queue,
    modes,
    concurrency,
    batch,
    leaseSeconds,
    heartbeatSeconds,
    pollMilliseconds,
    maxPollMilliseconds,
    ownConnections,
    drainSeconds,
    abortSeconds,
  }
}

function checkHandlers(handlers: Readonly<Record<string, Handler>>): void {
  const entries = Object.entries(handlers ?? {})
  if (entries.length === 0) {
    throw new InvalidInputError(
      `handlers must have a function for at least one intent, or for '*', got ${handlers === null ? 'null' : typeof handlers === 'object' ? 'none' : typeof handlers}`,
    )
  }
  for (const [intent, handler] of entries) {
    if (typeof handler !== 'function') {
      throw new InvalidInputError(`the handler of ${intent} must be a function, got ${typeof handler}`)
    }
  }
}

function within(option: string, value: number, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw new InvalidInputError(`${option} must be a number from ${least} to ${most}, got ${String(value)}`)
}

function whole(option: string, value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new InvalidInputError(`${option} must be a whole number, got ${String(value)}`)
}

function name(option: string, value: string): void {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0
  if (bytes >= 1 && bytes <= 255 && !value.includes('\0')) return
  throw new InvalidInputError(
    `${option} must be a string of 1 to 255 bytes without NUL, got ${typeof value === 'string' ? `${bytes} bytes` : typeof value}`,
  )
}
