import * as z from 'zod'
import { cancel } from '../../jobs/operating/cancel.ts'
import { jobId } from './fields.ts'
import { jobInScope } from './job-scope.ts'
import { defineTool } from './tool.ts'

const texts: Record<string, string> = {
  cancelled: 'Cancelled.',
  cancel_requested: 'It is running; its worker has been asked to stop.',
  wrong_status: 'It has ended already; nothing changed.',
  not_found: 'It is gone; nothing changed.',
}

export const cancelJob = defineTool({
  name: 'cancel_job',
  description: 'Stop a job. A running one is asked to stop.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    job_id: jobId,
    cascade: z.boolean().default(false).describe('with all jobs beneath it'),
  }),
  output: z.object({ outcome: z.string() }),
  async run(context, input) {
    const { id } = await jobInScope(context, input)
    const outcome = await cancel(context.db, { id, cascade: input.cascade })
    return { text: texts[outcome] ?? outcome, data: { outcome } }
  },
})
