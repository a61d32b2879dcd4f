import type { Database } from '../../database/database.ts'
import { type EnqueueOptions, enqueue } from '../enqueue/enqueue.ts'
import { enqueueChildren } from '../enqueue/enqueue-children.ts'
import { addJobOutput } from '../events/add-job-output.ts'
import { getCheckpoint, saveCheckpoint } from '../events/checkpoint.ts'
import type { Lease, SettleOutcome } from '../lease.ts'
import { addUsage } from '../settle/add-usage.ts'
import { reportProgress } from '../settle/report-progress.ts'
import { snooze } from '../settle/snooze.ts'
import { waitFor } from '../waiting/wait-for.ts'
import type { JobContext } from './handler.ts'

/** What {@link JobContext} is made of. */
export interface JobContextParts {
  readonly db: Database
  readonly lease: Lease
  /** For the jobs that this one enqueues, unless they say otherwise. */
  readonly traceId: string | undefined
  readonly signal: AbortSignal
  /** Told when the handler itself has ended the lease. */
  readonly onSettled: (type: 'waiting' | 'snoozed' | 'cancelled') => void
}

export function jobContext({ db, lease, traceId, signal, onSettled }: JobContextParts): JobContext {
  const tellSettled = (type: 'waiting' | 'snoozed', outcome: SettleOutcome) => {
    if (outcome === 'ok' || outcome === 'cancelled') onSettled(outcome === 'ok' ? type : outcome)
  }
  const traced = (options: Omit<EnqueueOptions, 'parentId'>): Omit<EnqueueOptions, 'parentId'> => ({
    ...(traceId !== undefined && { traceId }),
    ...options,
  })
  return {
    db,
    signal,
    reportProgress: (progress, message) =>
      reportProgress(db, { ...lease, progress, ...(message !== undefined && { message }) }),
    addUsage: (usage) => addUsage(db, { ...usage, ...lease }),
    addOutput: (output) => addJobOutput(db, { ...lease, output }),
    saveCheckpoint: (state) => saveCheckpoint(db, { ...lease, state }),
    getCheckpoint: () => getCheckpoint(db, { id: lease.id }),
    enqueueChild: (options) => enqueue(db, { ...traced(options), parentId: lease.id }),
    enqueueChildren: (children) => enqueueChildren(db, { ...lease, children: children.map(traced) }),
    waitFor: async (options) => {
      const answer = await waitFor(db, { ...options, ...lease })
      tellSettled('waiting', answer.outcome)
      return answer
    },
    snooze: async (delaySeconds) => {
      const outcome = await snooze(db, { ...lease, delaySeconds })
      tellSettled('snoozed', outcome)
      return outcome
    },
  }
}
