import type { Job } from '../../schema/jobs.ts'

/**
 * What became of an attempt. `started`: the handler is called now. `completed`, `failed` (for good), `retried` (failed, and
 * tried again), `cancelled`: how it ended. `waiting`, `snoozed`, `released`: the job was given back undone, and the attempt
 * does not count. `lease_lost`: the lease had ended, so nothing was settled and another worker may have the job.
 */
export type WorkerEventType =
  | 'started'
  | 'completed'
  | 'failed'
  | 'retried'
  | 'cancelled'
  | 'waiting'
  | 'snoozed'
  | 'released'
  | 'lease_lost'

/** Given to `onEvent` of {@link WorkOptions}. */
export interface WorkerEvent {
  readonly type: WorkerEventType
  readonly workerId: string
  /** As it was claimed. */
  readonly job: Job
  /** How long the job was ready before it was claimed, by the database's clock. */
  readonly waitedMilliseconds: number
  /** From the call of the handler until the attempt was settled; 0 for `started`. */
  readonly durationMilliseconds: number
  /** What the handler threw, for `failed` and `retried`. */
  readonly error?: unknown
}
