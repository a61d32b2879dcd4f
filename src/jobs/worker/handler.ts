import type { Database } from '../../database/database.ts'
import type { Job, Json } from '../../schema/jobs.ts'
import type { EnqueueOptions, EnqueueResult } from '../enqueue/enqueue.ts'
import type { SettleOutcome } from '../lease.ts'
import type { AddUsageOptions } from '../settle/add-usage.ts'
import type { WaitForOptions, WaitForResult } from '../waiting/wait-for.ts'

/** What a handler can do about its job. */
export interface JobContext {
  readonly db: Database
  /** Aborted when the handler must stop; `reason` is a JobAbortedError that says why. Pass it on to what you await. */
  readonly signal: AbortSignal
  /** Says how far the job is, from 0 to 1. */
  reportProgress(progress: number, message?: string): Promise<SettleOutcome>
  /** Adds to what the job has cost. */
  addUsage(usage: Omit<AddUsageOptions, 'id' | 'leaseToken'>): Promise<SettleOutcome>
  /** Adds a part of the job's output for whoever watches it, at most 64 KiB; see `watchJob`. */
  addOutput(output: unknown): Promise<SettleOutcome>
  /** Keeps any JSON for the next attempt, or for when the job goes on after a wait, in place of what was kept before. */
  saveCheckpoint(state: unknown): Promise<SettleOutcome>
  /** What `saveCheckpoint` kept, in this attempt or an earlier one; undefined if nothing. */
  getCheckpoint<T extends Json = Json>(): Promise<T | undefined>
  /** Accepts a child of this job. */
  enqueueChild(options: Omit<EnqueueOptions, 'parentId'>): Promise<EnqueueResult>
  /** Accepts children of this job, all or none: a parent that is killed meanwhile never has some of them. */
  enqueueChildren(children: readonly Omit<EnqueueOptions, 'parentId'>[]): Promise<EnqueueResult[]>
  /** Lets go of the job until something happens; return afterwards, the handler is called anew when it goes on. */
  waitFor(options: Omit<WaitForOptions, 'id' | 'leaseToken'>): Promise<WaitForResult>
  /** Gives the job back for later; return afterwards. */
  snooze(delaySeconds: number): Promise<SettleOutcome>
}

/**
 * Does a job. What it returns is the result. What it throws fails the attempt, which is tried again by the job's own
 * rules unless the error has `retryable: false`; `retryInSeconds` of the error is the pause before that.
 */
export type Handler = (job: Job, context: JobContext) => unknown
