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

/** The fields of a job that a view reads. */
export type ViewedJob = Pick<
  Job,
  | 'id'
  | 'status'
  | 'intent'
  | 'queue'
  | 'progress'
  | 'progressMessage'
  | 'attempt'
  | 'maxAttempts'
  | 'waitReason'
  | 'requiredAction'
  | 'error'
  | 'createdAt'
  | 'completedAt'
  | 'runAt'
> &
  Partial<Pick<Job, 'inputs' | 'result' | 'metadata' | 'parentId'>>

/** A job for a model, each of its documents cut to so many characters. */
export function jobViewOf(job: ViewedJob, characters: number): JobView {
  const view: JobView = { id: job.id, status: job.status, intent: beginning(job.intent, 200) }
  if (job.queue !== 'default') view.queue = beginning(job.queue, 200)
  if (job.progress > 0) view.progress = job.progress
  if (job.progressMessage !== null) view.progress_message = beginning(job.progressMessage, 200)
  if (job.attempt > 0) view.attempt = `${job.attempt} of ${job.maxAttempts}`
  if (job.status === 'waiting') {
    view.waits_for = job.waitReason
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
