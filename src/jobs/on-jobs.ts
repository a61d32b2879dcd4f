import type { Database } from '../database/database.ts'
import { InvalidInputError } from '../errors.ts'

export interface OnJobsOptions {
  readonly queue: string
  /** Called when jobs of the queue may have become ready; look for yourself. */
  readonly onReady: () => void
}

/**
 * Listens for jobs that become ready in a queue. The database must send notifications (`setJobNotifications`), the
 * driver must be postgres.js or PGlite, and no pooler in transaction mode may be in between. A notification may be
 * missed while a connection is down: poll as well, only more rarely.
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

/** postgres.js: `listen(channel, callback)` gives `{ unlisten }`; PGlite: a function that stops. */
interface ListeningClient {
  listen?: (
    channel: string,
    onNotify: (payload: string) => void,
  ) => Promise<{ unlisten: () => Promise<void> } | (() => Promise<void>)>
}

/** Calls back with the payload of each notification, over the driver that is below Drizzle. */
export async function listen(
  db: Database,
  channel: string,
  onNotify: (payload: string) => void,
): Promise<() => Promise<void>> {
  const client = (db as { $client?: ListeningClient }).$client
  if (typeof client?.listen !== 'function') {
    throw new InvalidInputError(
      'to listen, db must be a Drizzle database over postgres.js or PGlite, got one that cannot',
    )
  }
  const listening = await client.listen(channel, onNotify)
  return typeof listening === 'function' ? listening : () => listening.unlisten()
}
