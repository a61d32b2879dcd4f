import { OpaError } from '../errors.ts'

/**
 * Why a handler is asked to stop. `lease_lost`: another worker may have the job. `cancelled`: somebody asked for that.
 * `deadline_exceeded`: it is too late. `shutdown`: this worker stops.
 */
export type AbortReason = 'lease_lost' | 'cancelled' | 'deadline_exceeded' | 'shutdown'

/** The `reason` of the AbortSignal that a handler gets. */
export class JobAbortedError extends OpaError {
  readonly code = 'job_aborted'

  readonly reason: AbortReason

  constructor(reason: AbortReason) {
    super(`the job must stop: ${reason}`)
    this.reason = reason
  }
}
