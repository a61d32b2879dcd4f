import * as z from 'zod'
import { jobId } from './fields.ts'
import { jobInScope } from './job-scope.ts'
import { jobLines, jobView, jobViewOf } from './job-view.ts'
import { defineTool } from './tool.ts'

/** Characters of each document of a job: inputs, result, error, question and metadata fit together, twice. */
const charactersOfDocument = 1700

export const getJob = defineTool({
  name: 'get_job',
  description: 'How a job stands: status, progress, what it waits for, result or error.',
  readOnly: true,
  input: z.strictObject({ job_id: jobId }),
  output: z.object({ job: jobView }),
  async run(context, input) {
    const job = jobViewOf(await jobInScope(context, input), charactersOfDocument)
    return { text: jobLines(job), data: { job } }
  },
})
