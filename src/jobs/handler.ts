import type { Database } from '../database/database.ts'
import type { Job } from '../schema/jobs.ts'
import type { AddUsageOptions } from './add-usage.ts'
import type { EnqueueOptions, EnqueueResult } from './enqueue.ts'
import type { SettleOutcome } from './lease.ts'
import type { WaitForOptions, WaitForResult } from './wait-for.ts'

/** What a handler can do about its job. */
export interface JobContext {
  readonly db: Database
  /** Aborted when the handler must stop; `reason` is a JobAbortedError that says why. Pass it on to what you await. */
  readonly signal: AbortSignal
  /** Says how far the job is, from 0 to 1. */
  reportProgress(progress: number, message?: string): Promise<SettleOutcome>
  /** Adds to what the job has cost. */
  addUsage(usage: Omit<AddUsageOptions, 'id' | 'leaseToken'>): Promise<SettleOutcome>
  /** Accepts a child of this job. */
  enqueueChild(options: Omit<EnqueueOptions, 'parentId'>): Promise<EnqueueResult>
  /** Lets go of the job until something happens; return afterwards, the handler is called anew when it goes on. */
  waitFor(options: Omit<WaitForOptions, 'id' | 'leaseToken'>): Promise<WaitForResult>
  /** Gives the job back for later; return afterwards. */
  snooze(delaySeconds: number): Promise<SettleOutcome>
}

/**
 * Does a job. What it returns is the result. What it throws fails the attempt, which is tried again by the job's own
 * rules unless the error has `retryable: false`.
 */
export type Handler = (job: Job, context: JobContext) => unknown
