import { OpaError } from '../../errors.ts'

/** A worker could not keep the lease of a job, or nearly; the message says of which, and why as far as it is known. */
export class LeaseLostError extends OpaError {
  readonly code = 'lease_lost'
}
