import type { Database } from '../../database/database.ts'
import { listen } from '../../database/listen.ts'

export interface OnJobsOptions {
  readonly queue: string
  /** Called when jobs of the queue may have become ready; look for yourself. */
  readonly onReady: () => void
}

/**
 * Listens for jobs that become ready in a queue. The database must send notifications (`setJobNotifications`), the
 * driver must be postgres.js, a Pool of node-postgres, or PGlite, and no pooler in transaction mode may be in between. A
 * connection that is lost is opened again, and `onReady` called then, for a notification may have been missed: poll as
 * well, only more rarely.
 *
 * @returns a function that stops listening.
 * @throws InvalidInputError if the driver cannot listen.
 * @example
 * const stop = await onJobs(db, { queue: 'documents', onReady: () => wake() })
 */
export async function onJobs(db: Database, { queue, onReady }: OnJobsOptions): Promise<() => Promise<void>> {
  return listen(db, 'opa_jobs_ready', (payload) => {
    if (payload === '' || (JSON.parse(payload) as string[]).includes(queue)) onReady()
  })
}
