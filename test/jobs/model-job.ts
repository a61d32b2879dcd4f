import type { JobAttempt, JobStatus } from '../../src/index.ts'

/** A job as the model sees it; times are milliseconds. */
export interface ModelJob {
  readonly id: string
  status: JobStatus
  readonly priority: number
  runAt: number
  deadlineAt: number | null
  attempt: number
  readonly maxAttempts: number
  leaseToken: number
  leaseExpiresAt: number | null
  progress: number
  losses: number
  readonly onLost: 'retry' | 'fail'
  readonly limitKey: string | null
  /** In milliseconds. */
  readonly attemptTimeout: number | null
  startedAt: number
  waitReason: string | null
  waitExpiresAt: number | null
  onExpiry: 'fail' | 'continue'
  /** Every wait that a look at the job has seen, the last one open while the job is waiting. */
  readonly waits: { answer: string | null }[]
  /** Began in this step. */
  isNewWait: boolean
  isCancelRequested: boolean
  onChildFailure: 'fail' | 'continue' | null
  errorCode: string | null
  readonly parentId: string | null
  readonly idempotencyKey: string | null
  readonly singletonKey: string | null
  readonly attempts: [number, JobAttempt['outcome']][]
}

export type NewModelJob = Pick<
  ModelJob,
  | 'id'
  | 'priority'
  | 'runAt'
  | 'deadlineAt'
  | 'maxAttempts'
  | 'parentId'
  | 'idempotencyKey'
  | 'singletonKey'
  | 'onLost'
  | 'limitKey'
  | 'attemptTimeout'
>

export function isEnded({ status }: ModelJob): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** When the attempt that runs has taken too long. */
export function timeoutOf({
  startedAt,
  attemptTimeout,
}: Pick<ModelJob, 'startedAt' | 'attemptTimeout'>): number {
  return attemptTimeout === null ? Number.POSITIVE_INFINITY : startedAt + attemptTimeout
}
