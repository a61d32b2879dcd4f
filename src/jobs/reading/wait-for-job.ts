import type { Database } from '../../database/database.ts'
import { listen } from '../../database/listen.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { NotFoundError } from '../../errors.ts'
import type { Job } from '../../schema/jobs.ts'
import { sleep } from '../sleep.ts'
import { throughLostConnection } from '../through-lost-connection.ts'
import { getJob } from './get-job.ts'

export interface WaitForJobOptions {
  readonly id: string
  /** How long to wait at most, in seconds; 60 by default. */
  readonly timeout?: number
  /** How often to look, in milliseconds; 500 by default, at first more often. */
  readonly pollMilliseconds?: number
  /** Listens for the end as well (see `onJobs` for what that needs); false by default. */
  readonly isListening?: boolean
  /** Stops the waiting. */
  readonly signal?: AbortSignal
}

const optionKeys = {
  id: true,
  timeout: true,
  pollMilliseconds: true,
  isListening: true,
  signal: true,
} satisfies OptionKeys<WaitForJobOptions>

/**
 * Waits until a job has ended: completed, failed or cancelled. A lost connection is waited for as well.
 *
 * @returns the job as it is then, ended or (after the timeout, or the signal) not.
 * @throws NotFoundError if there is no such job.
 * @example
 * const job = await waitForJob(db, { id, timeout: 30 })
 * if (job.status === 'completed') console.log(job.result)
 */
export async function waitForJob(db: Database, options: WaitForJobOptions): Promise<Job> {
  checkOptions(options, optionKeys)
  const { id, timeout = 60, pollMilliseconds = 500, isListening = false, signal } = options
  // A monotonic clock: the wall clock may be set while this waits.
  const until = performance.now() + timeout * 1000
  let woken = new AbortController()
  const wake = () => woken.abort()
  signal?.addEventListener('abort', wake, { once: true })
  const stop = isListening
    ? await listen(db, 'opa_jobs_ended', (payload) => {
        if (payload === '' || (JSON.parse(payload) as string[]).includes(id)) wake()
      })
    : undefined
  try {
    for (let pause = 20; ; pause = Math.min(pause * 2, pollMilliseconds)) {
      const job = await throughLostConnection(until - performance.now(), signal, () => getJob(db, { id }))
      if (job === null) throw new NotFoundError(`there is no job ${id}`)
      const left = until - performance.now()
      if (job.completedAt !== null || left <= 0 || signal?.aborted) return job
      await sleep(Math.min(pause, left), woken.signal)
      if (woken.signal.aborted) woken = new AbortController()
    }
  } finally {
    signal?.removeEventListener('abort', wake)
    await stop?.()
  }
}
