import { eq, sql } from 'drizzle-orm'
import * as z from 'zod'
import { translatingErrors } from '../../database/rows.ts'
import { inSchemaOf } from '../../database/schema-name.ts'
import { checkText } from '../../memory/check.ts'
import { memoryItems } from '../../schema/memory-items.ts'
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
    checkText(namespace, 'namespace')
    const confirmed = input.confirm_count
    const { db } = context
    const ofNamespace = eq(memoryItems.namespace, namespace)
    if (confirmed === undefined) {
      const [row] = await translatingErrors(() =>
        db
          .select({ count: sql<number>`count(*)::integer` })
          .from(inSchemaOf(db, memoryItems))
          .where(ofNamespace),
      )
      const count = Number(row?.count)
      return {
        text: `Nothing was deleted. "${namespace}" has ${counted(count, 'memory', 'memories')}; ask the person, then call again with confirm_count ${count}.`,
        data: { deleted: 0, count },
      }
    }
    const deleted = await translatingErrors(() =>
      db.transaction(async (transaction) => {
        const gone = await transaction
          .delete(inSchemaOf(db, memoryItems))
          .where(ofNamespace)
          .returning({ id: memoryItems.id })
        // Thrown inside, so that nothing is deleted.
        if (gone.length !== confirmed) {
          throw new ToolError(
            `Nothing was deleted: "${namespace}" has ${counted(gone.length, 'memory', 'memories')}, not ${confirmed}. Ask the person again.`,
          )
        }
        return gone.length
      }),
    )
    return {
      text: `Deleted ${counted(deleted, 'memory', 'memories')} of "${namespace}".`,
      data: { deleted, count: 0 },
    }
  },
})
