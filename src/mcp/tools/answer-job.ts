import * as z from 'zod'
import { approve } from '../../jobs/waiting/approve.ts'
import { reject } from '../../jobs/waiting/reject.ts'
import { resume } from '../../jobs/waiting/resume.ts'
import { ToolError } from './errors.ts'
import { jobId } from './fields.ts'
import { jobInScope } from './job-scope.ts'
import { defineTool } from './tool.ts'

/** What a model is told of an answer that does not count. */
const refusals: Record<string, string> = {
  not_waiting: 'The job does not wait for this any more, or was answered otherwise. See get_job.',
  wrong_reason: 'The job waits for something else: approvals are approved or rejected, all else takes input.',
  too_late: 'The time for an answer has passed.',
  not_found: 'The job is gone.',
}

export const answerJob = defineTool({
  name: 'answer_job',
  description: 'Answer a waiting job. Approve or reject only as the person decided, never on your own.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    job_id: jobId,
    wait_id: z.string().describe('of the question, from list_jobs'),
    answer: z.enum(['approve', 'reject', 'input']),
    comment: z.string().optional(),
    response: z.unknown().optional().describe('for input: what was asked for'),
  }),
  output: z.object({ outcome: z.string() }),
  async run(context, input) {
    const { answer, comment, response, wait_id: waitId } = input
    const { id } = await jobInScope(context, input)
    const decision = { id, waitId, by: 'mcp', ...(comment !== undefined && { comment }) }
    const outcome =
      answer === 'approve'
        ? await approve(context.db, decision)
        : answer === 'reject'
          ? await reject(context.db, decision)
          : await resume(context.db, { id, waitId, response: response ?? null })
    if (outcome !== 'ok') throw new ToolError(refusals[outcome] ?? `Not answered: ${outcome}.`)
    const text = answer === 'reject' ? 'Rejected; the job has failed.' : 'Answered; the job goes on.'
    return { text, data: { outcome } }
  },
})
