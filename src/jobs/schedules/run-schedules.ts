import { hostname } from 'node:os'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { InvalidInputError } from '../../errors.ts'
import { sleep } from '../sleep.ts'
import { reportErrors } from '../worker/report-errors.ts'
import { enqueueDueSlots } from './enqueue-due-slots.ts'

export interface RunSchedulesOptions {
  /** How often to look for schedules that were added or changed meanwhile, 0.01 to 3600 seconds; 10 by default. */
  readonly pollSeconds?: number
  readonly signal?: AbortSignal
  /** Told about what goes wrong; without it, a line is written to standard error, at most one a second. */
  readonly onError?: (error: unknown) => void
}

export interface ScheduleRunner {
  stop(): Promise<void>
  /** Resolves when it has stopped. */
  readonly stopped: Promise<void>
}

const optionKeys = {
  pollSeconds: true,
  signal: true,
  onError: true,
} satisfies OptionKeys<RunSchedulesOptions>

/**
 * Runs the schedules: enqueues each slot when it is due. Any number of processes may do so at once, each slot is enqueued
 * once; `work(…, { schedules: true })` does this beside its jobs.
 *
 * @throws InvalidInputError for an option that is unknown or out of range.
 * @example
 * const runner = runSchedules(db)
 * process.once('SIGTERM', () => runner.stop())
 */
export function runSchedules(db: Database, options: RunSchedulesOptions = {}): ScheduleRunner {
  checkKeys(options, optionKeys)
  const { pollSeconds = 10, onError, signal } = options
  if (!(pollSeconds >= 0.01 && pollSeconds <= 3600)) {
    throw new InvalidInputError(`pollSeconds must be a number from 0.01 to 3600, got ${String(pollSeconds)}`)
  }
  const report = reportErrors({ workerId: `${hostname()}:${process.pid}`, queue: 'schedules' }, onError)
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  const stopped = enqueueUntil(stopping.signal, db, pollSeconds, report).finally(() =>
    signal?.removeEventListener('abort', stop),
  )
  return {
    stopped,
    stop: () => {
      stop()
      return stopped
    },
  }
}

async function enqueueUntil(
  stopping: AbortSignal,
  db: Database,
  pollSeconds: number,
  report: (error: unknown) => void,
): Promise<void> {
  while (!stopping.aborted) {
    let seconds = pollSeconds
    try {
      const { secondsToNext = pollSeconds } = await enqueueDueSlots(db, { onError: report })
      // Somebody else may hold what is due at this moment: not at once again.
      seconds = Math.max(0.01, Math.min(pollSeconds, secondsToNext))
    } catch (error) {
      report(error)
    }
    await sleep(seconds * 1000, stopping)
  }
}
