import * as z from 'zod'
import { approve } from '../../jobs/approve.ts'
import { reject } from '../../jobs/reject.ts'
import { resume } from '../../jobs/resume.ts'
import { ToolError } from './errors.ts'
import { jobId } from './fields.ts'
import { jobInScope } from './job-scope.ts'
import { defineTool } from './tool.ts'

export const answerJob = defineTool({
  name: 'answer_job',
  description: 'Answer a waiting job. Approve or reject only as the person decided, never on your own.',
  destructive: true,
  input: z.strictObject({
    job_id: jobId,
    answer: z.enum(['approve', 'reject', 'input']),
    comment: z.string().optional(),
    response: z.unknown().optional().describe('for input: what was asked for'),
  }),
  output: z.object({ outcome: z.string() }),
  async run(context, input) {
    const { answer, comment, response } = input
    const { id, status, waitReason, waitId } = await jobInScope(context, input)
    if (waitId === null) throw new ToolError(`The job does not wait for an answer: it is ${status}.`)
    if ((waitReason === 'approval') === (answer === 'input') || waitReason === 'children') {
      throw new ToolError(
        waitReason === 'approval'
          ? 'The job waits for approval: answer approve or reject.'
          : `The job waits for ${waitReason}: ${waitReason === 'children' ? 'it goes on by itself' : 'answer input with a response'}.`,
      )
    }
    const decision = { id, waitId, by: 'mcp', ...(comment !== undefined && { comment }) }
    const outcome =
      answer === 'approve'
        ? await approve(context.db, decision)
        : answer === 'reject'
          ? await reject(context.db, decision)
          : await resume(context.db, { id, waitId, response: response ?? null })
    if (outcome !== 'ok') throw new ToolError(`Somebody else answered first (${outcome}). See get_job.`)
    return {
      text: answer === 'reject' ? 'Rejected; the job has failed.' : 'Answered; the job goes on.',
      data: { outcome },
    }
  },
})
