import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Database } from '../../database/database.ts'
import type { Handler } from './handler.ts'
import { WorkLoop } from './work-loop.ts'
import { checkWorkOptions, type WorkOptions } from './work-options.ts'

export interface Worker {
  readonly workerId: string
  /** Claims no more, lets the handlers finish, aborts those that do not, and gives their jobs back. */
  stop(): Promise<void>
  /** Resolves when the worker has stopped. */
  readonly stopped: Promise<void>
}

/**
 * Works on the jobs of a queue: claims those that it has a handler for (`'*'` handles any other), extends their leases,
 * and settles them. Handlers get an AbortSignal for a lost lease, a cancellation, a deadline and shutdown.
 *
 * Claims, heartbeats and settlements go over connections of the worker's own (`ownConnections`), so that handlers may use
 * all of `db`'s. Everything that goes wrong is told to `onError`, or else written to standard error.
 *
 * @param handlers by intent; see {@link Handler}.
 * @throws InvalidInputError for an option that cannot work.
 * @example
 * const worker = work(db, { summarise: async (job, { signal }) => summarise(job.inputs, signal) }, { concurrency: 4 })
 * process.once('SIGTERM', () => worker.stop())
 */
export function work(
  db: Database,
  handlers: Readonly<Record<string, Handler>>,
  options: WorkOptions = {},
): Worker {
  const settings = checkWorkOptions(db, handlers, options)
  const workerId = options.workerId ?? `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`
  const loop = new WorkLoop(db, new Map(Object.entries(handlers)), { ...settings, workerId }, options)
  const { signal } = options
  if (signal?.aborted) loop.stop()
  signal?.addEventListener('abort', loop.stop, { once: true })
  const stopped = loop.run().finally(() => signal?.removeEventListener('abort', loop.stop))
  return {
    workerId,
    stopped,
    stop: () => {
      loop.stop()
      return stopped
    },
  }
}
