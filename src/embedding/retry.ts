import { setTimeout as sleep } from 'node:timers/promises'
import { EmbedderError } from '../errors.ts'

/** A transient failure may say how long the service wants to be left alone. */
export class TransientFailure extends EmbedderError {
  readonly retryAfterMs: number | undefined
  constructor(
    message: string,
    { cause, retryAfterMs }: { cause?: unknown; retryAfterMs?: number | undefined },
  ) {
    super(message, { cause, blames: 'service' })
    this.name = 'EmbedderError'
    this.retryAfterMs = retryAfterMs
  }
}

export interface RetryOptions {
  /** Attempts after the first. */
  readonly retries: number
  /** The longest first wait, in milliseconds; it doubles with each attempt. */
  readonly backoffMs: number
  /** No wait is longer; a service that asks for a longer one has failed. */
  readonly longestWaitMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the attempts are used up. Waits grow exponentially and are drawn
 * at random below their bound ("full jitter"), so that clients which failed together do not come back together.
 *
 * Source: Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
 */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, backoffMs, longestWaitMs, signal } = options
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientFailure) || failures >= retries) throw error
      const asked = error.retryAfterMs ?? 0
      if (asked > longestWaitMs) throw error
      const bound = Math.min(longestWaitMs, backoffMs * 2 ** failures)
      await sleep(Math.max(asked, Math.random() * bound), undefined, signal ? { signal } : {})
    }
  }
}

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
