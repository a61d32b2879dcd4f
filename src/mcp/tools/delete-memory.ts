import * as z from 'zod'
import { forget } from '../../memory/forget.ts'
import { memoryId } from './fields.ts'
import { defineTool, namespaceOf } from './tool.ts'

export const deleteMemory = defineTool({
  name: 'delete_memory',
  description: 'Forget one memory for good.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({ memory_id: memoryId }),
  output: z.object({ deleted: z.boolean() }),
  async run(context, input) {
    const gone = await forget(context.db, { ids: [input.memory_id], ...namespaceOf(context) })
    const deleted = gone.length === 1
    const text = deleted ? 'Deleted.' : 'There is no memory with this id here; nothing was deleted.'
    return { text, data: { deleted } }
  },
})
