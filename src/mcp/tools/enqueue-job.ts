import * as z from 'zod'
import { enqueue } from '../../jobs/enqueue/enqueue.ts'
import { getJob } from '../../jobs/reading/get-job.ts'
import { ToolError } from './errors.ts'
import { namespace, time } from './fields.ts'
import { namespaceKey, namespaceOfJob } from './job-scope.ts'
import { defineTool, namespaceOf } from './tool.ts'

export const enqueueJob = defineTool({
  name: 'enqueue_job',
  description: 'Hand over work that a worker does later. Returns at once; follow it with get_job.',
  input: z.strictObject({
    intent: z.string().min(1).describe('the kind of work, as the workers name it'),
    inputs: z.record(z.string(), z.unknown()).optional(),
    namespace: namespace.describe('for whom'),
    queue: z.string().optional(),
    priority: z.int().optional().describe('higher first'),
    run_at: time('not before'),
    idempotency_key: z.string().optional().describe('the same key is accepted once'),
    needs_approval: z.boolean().optional().describe('wait until a person approves'),
  }),
  output: z.object({
    id: z.string(),
    status: z.string(),
    created: z.boolean(),
    wait_id: z.string().optional(),
  }),
  async run(context, input) {
    const { intent, inputs, queue, priority, run_at: runAt, idempotency_key: key, needs_approval } = input
    const { namespace } = namespaceOf(context, input)
    const { id, status, created, waitId } = await enqueue(context.db, {
      intent,
      ...(inputs && { inputs }),
      ...(queue !== undefined && { queue }),
      ...(priority !== undefined && { priority }),
      ...(runAt !== undefined && { runAt }),
      // Keys are unique in a queue, and two namespaces must not meet in one.
      ...(key !== undefined && {
        idempotencyKey: namespace === undefined ? key : JSON.stringify([namespace, key]),
      }),
      ...(namespace !== undefined && { metadata: { [namespaceKey]: namespace } }),
      ...(needs_approval && {
        waitReason: 'approval' as const,
        requiredAction: { intent, inputs: inputs ?? {} },
      }),
    })
    if (!created && namespace !== undefined) {
      const job = await getJob(context.db, { id })
      if (job !== null && (await namespaceOfJob(context, job)) !== namespace) {
        throw new ToolError('This idempotency_key is taken. Choose another.')
      }
    }
    const text = created ? `Accepted as ${id}, ${status}.` : `Accepted before as ${id}, ${status}.`
    return { text, data: { id, status, created, ...(waitId != null && { wait_id: waitId }) } }
  },
})
