import * as z from 'zod'
import type { Job } from '../../schema/jobs.ts'
import { beginning } from './budget.ts'
import { addDocument, fieldsText, indented, type View } from './view.ts'

/** A job as a model sees it. */
export interface JobView extends View {
  id: string
  status: string
  intent: string
}

export const jobView = z.looseObject({ id: z.string(), status: z.string(), intent: z.string() })

/** What a list shows of a job: not its documents, which may be large, but for the question and the error. */
export const listedColumns = [
  'id',
  'status',
  'intent',
  'queue',
  'progress',
  'progressMessage',
  'attempt',
  'maxAttempts',
  'waitReason',
  'waitId',
  'waitExpiresAt',
  'requiredAction',
  'error',
  'createdAt',
  'completedAt',
  'runAt',
] as const satisfies readonly (keyof Job)[]

export type ListedJob = Pick<Job, (typeof listedColumns)[number]>

/** A job for a model, each of its documents cut to so many characters. */
export function jobViewOf(job: ListedJob & Partial<Job>, characters: number): JobView {
  const view: JobView = { id: job.id, status: job.status, intent: beginning(job.intent, 200) }
  if (job.queue !== 'default') view.queue = beginning(job.queue, 200)
  if (job.progress > 0) view.progress = job.progress
  if (job.progressMessage !== null) view.progress_message = beginning(job.progressMessage, 200)
  if (job.attempt > 0) view.attempt = `${job.attempt} of ${job.maxAttempts}`
  if (job.status === 'waiting') {
    view.waits_for = job.waitReason
    view.wait_id = job.waitId
    if (job.waitExpiresAt !== null) view.answer_before = job.waitExpiresAt.toISOString()
    addDocument(view, 'question', job.requiredAction, characters)
  }
  if (job.error !== null) addDocument(view, 'error', job.error, characters)
  if (job.status === 'pending' && job.runAt.getTime() > Date.now()) view.run_at = job.runAt.toISOString()
  view.created_at = job.createdAt.toISOString()
  if (job.completedAt !== null) view.completed_at = job.completedAt.toISOString()
  if (job.parentId != null) view.parent_id = beginning(job.parentId, 200)
  addDocument(view, 'inputs', job.inputs, characters)
  addDocument(view, 'result', job.result, characters)
  addDocument(view, 'metadata', job.metadata, characters)
  return view
}

/** One job as text. */
export function jobLines(view: JobView): string {
  const { id, status, intent, ...others } = view
  return `[${id}] ${indented(`${intent}: ${status} (${fieldsText(others).join('; ')})`)}`
}
