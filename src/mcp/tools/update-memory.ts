import { and, eq } from 'drizzle-orm'
import * as z from 'zod'
import { builtRows } from '../../database/rows.ts'
import { inSchemaOf } from '../../database/schema-name.ts'
import type { NewMemory } from '../../memory/new-memory.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { keep } from './add-memory.ts'
import { ToolError } from './errors.ts'
import { memoryId, metadata, tags, time } from './fields.ts'
import { missing } from './get-memory.ts'
import { defineTool, namespaceOf } from './tool.ts'

export const updateMemory = defineTool({
  name: 'update_memory',
  description:
    'Correct a memory in place; what is not given stays. Better than a second memory that contradicts the first.',
  destructive: true,
  idempotent: true,
  input: z.strictObject({
    memory_id: memoryId,
    text: z.string().min(1).optional().describe('the whole new text'),
    tags: tags.describe('all of them'),
    metadata: metadata.describe('all of it'),
    importance: z.number().min(0).max(1).optional(),
    expires_at: time('forget after'),
  }),
  output: z.object({ id: z.string() }),
  async run(context, input) {
    const { db } = context
    const { memory_id: id, expires_at: expiresAt, text, tags, metadata, importance } = input
    const changes: Partial<NewMemory> = {
      ...(text !== undefined && { text }),
      ...(tags && { tags }),
      ...(metadata && { metadata }),
      ...(importance !== undefined && { importance }),
      ...(expiresAt !== undefined && { expiresAt }),
    }
    if (Object.keys(changes).length === 0) {
      throw new ToolError('Give at least one of text, tags, metadata, importance and expires_at.')
    }
    const { namespace } = namespaceOf(context)
    const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
    await db.transaction(async (transaction) => {
      const [row] = await builtRows(() =>
        transaction
          .select({ namespace: memoryItems.namespace, text: memoryItems.text })
          .from(inSchemaOf(db, memoryItems))
          .where(and(eq(memoryItems.id, id), ofNamespace))
          .for('update'),
      )
      if (row === undefined) throw missing(id)
      // Together with the text its vector: while the model works, nobody else can change the row.
      await keep({ ...context, db: transaction }, { id, ...row, ...changes })
    })
    return { text: `Updated ${id}.`, data: { id } }
  },
})
