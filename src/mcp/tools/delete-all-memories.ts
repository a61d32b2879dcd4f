import * as z from 'zod'
import { translatingErrors } from '../../database/rows.ts'
import { erase } from '../../memory/erase.ts'
import { ToolError } from './errors.ts'
import { namespace } from './fields.ts'
import { defineTool, namespaceOf } from './tool.ts'
import { counted } from './view.ts'

export const deleteAllMemories = defineTool({
  name: 'delete_all_memories',
  description:
    'Forget a whole namespace for good, only if the person asks for exactly that. A call without confirm_count deletes nothing and says the count.',
  destructive: true,
  input: z.strictObject({
    namespace,
    confirm_count: z.int().min(1).optional().describe('how many memories will be deleted'),
  }),
  output: z.object({ deleted: z.int(), count: z.int() }),
  async run(context, input) {
    const { namespace } = namespaceOf(context, input)
    if (namespace === undefined) throw new ToolError('Say which namespace is to be emptied.')
    const { db } = context
    const confirmed = input.confirm_count
    if (confirmed === undefined) {
      const { memories: count } = await erase(db, { namespace, dryRun: true })
      return {
        text: `Nothing was deleted. "${namespace}" has ${counted(count, 'memory', 'memories')}; ask the person, then call again with confirm_count ${count}.`,
        data: { deleted: 0, count },
      }
    }
    const deleted = await translatingErrors(() =>
      db.transaction(async (transaction) => {
        const { memories } = await erase(transaction, { namespace })
        // Thrown inside, so that nothing is deleted.
        if (memories !== confirmed) {
          throw new ToolError(
            `Nothing was deleted: "${namespace}" has ${counted(memories, 'memory', 'memories')}, not ${confirmed}. Ask the person again.`,
          )
        }
        return memories
      }),
    )
    return {
      text: `Deleted ${counted(deleted, 'memory', 'memories')} of "${namespace}".`,
      data: { deleted, count: 0 },
    }
  },
})
