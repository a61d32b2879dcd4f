import { OpaError } from '../../errors.ts'

/**
 * Why a handler is asked to stop. `lease_lost`: another worker may have the job. `cancelled`: somebody asked for that.
 * `deadline_exceeded`: it is too late. `attempt_timeout`: this attempt has taken as long as it may. `shutdown`: this
 * worker stops.
 */
export type AbortReason = 'lease_lost' | 'cancelled' | 'deadline_exceeded' | 'attempt_timeout' | 'shutdown'

/** The `reason` of the AbortSignal that a handler gets. */
export class JobAbortedError extends OpaError {
  readonly code = 'job_aborted'

  readonly reason: AbortReason

  constructor(reason: AbortReason, message = `the job must stop: ${reason}`) {
    super(message)
    this.reason = reason
  }
}
