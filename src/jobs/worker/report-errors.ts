import type { Job } from '../../schema/jobs.ts'
import { toJobError } from '../job-error.ts'

/** What an error that a worker reports is about. */
export interface ErrorContext {
  readonly workerId: string
  readonly queue: string
  /** Whose handler threw, or whose lease it is about; undefined where the error is about the worker itself. */
  readonly job?: Job
}

export type Report = (error: unknown, job?: Job) => void

const quietMilliseconds = 60_000
const lineMilliseconds = 1000

/** Calls `onError`, or else writes lines to standard error: a worker that does nothing must say why. */
export function reportErrors(
  about: Omit<ErrorContext, 'job'>,
  onError: ((error: unknown, context: ErrorContext) => void) | undefined,
): Report {
  const write = limitedLines()
  const say = (error: unknown, job?: Job) => write(line(about, error, job))
  return (error, job) => {
    if (onError === undefined) return say(error, job)
    try {
      onError(error, { ...about, ...(job && { job }) })
    } catch (thrown) {
      say(error, job)
      say(thrown)
    }
  }
}

function line({ workerId, queue }: Omit<ErrorContext, 'job'>, error: unknown, job?: Job): string {
  const { code, message } = toJobError(error)
  const of = job && ` job ${job.id} (${job.intent}), attempt ${job.attempt} of ${job.maxAttempts}:`
  const text = `opa-db worker ${workerId}, queue ${queue}:${of ?? ''} ${code}: ${message}`
  return text.replace(/\s*[\r\n]+\s*/g, ' ').slice(0, 1000)
}

/** Writes a line unless the same one was written within a minute, or any within a second; says how many were left out. */
function limitedLines(): (text: string) => void {
  const writtenAt = new Map<string, number>()
  let lastAt = Number.NEGATIVE_INFINITY
  let leftOut = 0
  return (text) => {
    const now = performance.now()
    // Of a failing handler only the job's id differs from one line to the next.
    const kind = text.replace(/ job \S+ /, ' ').replace(/\d+/g, '')
    if (
      now - lastAt < lineMilliseconds ||
      now - (writtenAt.get(kind) ?? Number.NEGATIVE_INFINITY) < quietMilliseconds
    ) {
      leftOut += 1
      return
    }
    if (writtenAt.size >= 100) writtenAt.clear()
    writtenAt.set(kind, now)
    lastAt = now
    console.error(leftOut > 0 ? `${text} (${leftOut} other reports left out)` : text)
    leftOut = 0
  }
}
