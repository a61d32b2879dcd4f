// As fail() takes it: a year.
const maxPauseSeconds = 31_536_000

/**
 * What a thrown value says about trying again: `retryable: false`, and `retryInSeconds`, a number. Real errors carry
 * anything there, so what makes no sense never costs a job its attempts: a negative pause is none, an endless one a year,
 * and NaN leaves the pause to the job's own rules.
 */
export function retryRules(thrown: unknown): { retryable: boolean; retryInSeconds?: number } {
  try {
    const { retryable, retryInSeconds } = (thrown ?? {}) as { retryable?: unknown; retryInSeconds?: unknown }
    return {
      retryable: retryable !== false,
      ...(typeof retryInSeconds === 'number' &&
        !Number.isNaN(retryInSeconds) && {
          retryInSeconds: Math.min(Math.max(retryInSeconds, 0), maxPauseSeconds),
        }),
    }
  } catch {
    // A proxy or a getter that throws.
    return { retryable: true }
  }
}
