import { DatabaseError } from '../errors.ts'
import { sleep } from './sleep.ts'

/**
 * Reads, and again while the connection is lost or the server is starting, for as long as `milliseconds`; then throws what
 * came last. For what only reads: a write may have been done before the connection was lost.
 */
export async function throughLostConnection<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  read: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + milliseconds
  for (let pause = 50; ; pause = Math.min(pause * 2, 2000)) {
    try {
      return await read()
    } catch (error) {
      const left = until - performance.now()
      if (!isConnectionLost(error) || left <= 0 || signal?.aborted) throw error
      await sleep(Math.min(pause, left), signal)
    }
  }
}

/** No connection; or the server ended it (class 57P: shut down, crashed, starting; class 08). */
function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  const { code } = (error.cause ?? {}) as { code?: unknown }
  if (error.message.startsWith('no connection to the database')) return code !== 'CONNECTION_ENDED'
  return typeof code === 'string' && /^(57P|08)/.test(code)
}
