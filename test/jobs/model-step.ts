import type fc from 'fast-check'
import { expect } from 'vitest'
import { type Database, type Job, listJobs } from '../../src/index.ts'
import type { Clock } from './clock.ts'
import type { JobModel } from './job-model.ts'
import type { ModelJob } from './model-job.ts'

/** The database's side of a run. */
export interface Real {
  readonly db: Database
  readonly clock: Clock
  readonly queue: string
  /** The ids of the waits of each job, in the order in which a look at it has seen them. */
  readonly waitIds: Map<string, string[]>
}

/** One step: what the model answers and what the database answers must be the same, and so must all jobs be afterwards. */
export class Step implements fc.AsyncCommand<JobModel, Real> {
  readonly #name: string
  readonly #inModel: (model: JobModel, answer: unknown) => unknown
  readonly #inReal: (real: Real, model: JobModel) => Promise<unknown>

  constructor(
    name: string,
    inModel: (model: JobModel, answer: unknown) => unknown,
    inReal: (real: Real, model: JobModel) => Promise<unknown>,
  ) {
    this.#name = name
    this.#inModel = inModel
    this.#inReal = inReal
  }

  check(): boolean {
    return true
  }

  async run(model: JobModel, real: Real): Promise<void> {
    // The database first: its arguments are taken from the model as it was.
    const answer = await this.#inReal(real, model)
    expect(answer, this.#name).toEqual(this.#inModel(model, answer))
    model.noteWaits()
    const { items } = await listJobs(real.db, { queue: real.queue, limit: 1000 })
    for (const { id, waitId } of items) {
      const known = real.waitIds.get(id) ?? []
      if (waitId !== null && known.at(-1) !== waitId) real.waitIds.set(id, [...known, waitId])
    }
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    expect(items.map(seen).sort(byId), this.#name).toEqual([...model.jobs.values()].map(expected).sort(byId))
  }

  toString(): string {
    return this.#name
  }
}

const seen = (job: Job) => ({
  id: job.id,
  status: job.status,
  runAt: job.runAt.getTime(),
  deadlineAt: job.deadlineAt?.getTime() ?? null,
  attempt: job.attempt,
  leaseToken: job.leaseToken,
  leaseExpiresAt: job.leaseExpiresAt?.getTime() ?? null,
  progress: job.progress,
  losses: job.losses,
  waitReason: job.waitReason,
  waitExpiresAt: job.waitExpiresAt?.getTime() ?? null,
  waits: job.waitId === null ? 'none open' : 'one open',
  isCancelRequested: job.cancelRequestedAt !== null,
  errorCode: job.error?.code ?? null,
})
const expected = ({
  priority: _,
  maxAttempts: __,
  onChildFailure: ___,
  parentId: _4,
  idempotencyKey: _5,
  singletonKey: _6,
  attempts: _7,
  onLost: _8,
  limitKey: _9,
  onExpiry: _10,
  waits: _11,
  isNewWait: _12,
  attemptTimeout: _13,
  startedAt: _14,
  ...job
}: ModelJob) => ({ ...job, waits: job.status === 'waiting' ? 'one open' : 'none open' })
