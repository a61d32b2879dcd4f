import type { Sql } from 'postgres'
import { AcquireTimeoutError } from '../errors.ts'

/** What of a postgres.js query is needed here. It is no part of the driver's documented interface, so it is looked for. */
interface PendingQuery {
  handler: ((query: PendingQuery) => unknown) & { debug?: unknown }
  /** Null until the query is given to a connection. */
  state: unknown
  strings: string[]
  args: unknown[]
  options: { simple?: boolean }
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Limits how long a query, a transaction or `reserve()` waits for a free connection of the pool; postgres.js alone waits
 * without end. What timed out was not sent, and is not when a connection becomes free.
 */
export function limitAcquiring(client: Sql, seconds: number): void {
  const timedOut = () =>
    new AcquireTimeoutError(
      `no connection of the pool became free within ${seconds} seconds: it has ${client.options.max}, all in use. Make maxConnections larger, transactions shorter, or acquireTimeoutSeconds longer`,
    )
  const unsafe = client.unsafe.bind(client) as (...args: unknown[]) => unknown
  const begin = client.begin.bind(client) as (...args: unknown[]) => Promise<unknown>
  const reserve = client.reserve.bind(client)

  const limitQuery = (query: PendingQuery) => {
    const { handler } = query
    if (typeof handler !== 'function') return
    query.handler = Object.assign(
      (handled: PendingQuery) => {
        const timer = setTimeout(() => {
          if (query.state !== null) return
          query.reject(timedOut())
          // The driver cannot take a query back that a connection being opened was promised to: it sends this instead.
          Object.assign(query, { strings: ['SELECT'], args: [] })
          query.options.simple = true
        }, seconds * 1000)
        const { resolve, reject } = query
        query.resolve = (value) => {
          clearTimeout(timer)
          resolve(value)
        }
        query.reject = (error) => {
          clearTimeout(timer)
          reject(error)
        }
        return handler(handled)
      },
      { debug: handler.debug },
    )
  }

  Object.assign(client, {
    unsafe: (...args: unknown[]) => {
      const query = unsafe(...args)
      limitQuery(query as PendingQuery)
      return query
    },

    begin: (...args: unknown[]) => {
      const work = args.pop() as (transaction: unknown) => unknown
      return limited(seconds, timedOut, (acquired) =>
        begin(...args, (transaction: unknown) => {
          if (!acquired()) throw timedOut()
          return work(transaction)
        }),
      )
    },

    reserve: () =>
      limited(seconds, timedOut, async (acquired) => {
        const reserved = await reserve()
        if (!acquired()) reserved.release()
        return reserved
      }),
  })
}

/** Runs `work`, which calls `acquired` when it has its connection; false then means that it came too late. */
function limited<T>(
  seconds: number,
  timedOut: () => Error,
  work: (acquired: () => boolean) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(timedOut())
    }, seconds * 1000)
    const acquired = () => {
      clearTimeout(timer)
      return !isLate
    }
    work(acquired)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
