import * as z from 'zod'
import { getMemory as readMemory } from '../../memory/get-memory.ts'
import { ToolError } from './errors.ts'
import { memoryId } from './fields.ts'
import { memoryLines, memoryView, viewOf } from './memory-view.ts'
import { defineTool, namespaceOf } from './tool.ts'

/** Characters of a text that are read at once: twice this, with what else a memory has, is within the budget. */
const charactersAtOnce = 7000

export const getMemory = defineTool({
  name: 'get_memory',
  description: 'Read one memory by its id. Long texts come in parts.',
  readOnly: true,
  input: z.strictObject({
    memory_id: memoryId,
    offset: z.int().min(0).default(0).describe('`next_offset` of the part before'),
  }),
  output: z.object({ memory: memoryView }),
  async run(context, input) {
    const memory = await readMemory(context.db, { id: input.memory_id, ...namespaceOf(context) })
    if (memory === null) throw missing(input.memory_id)
    const view = viewOf(memory, { characters: charactersAtOnce, from: input.offset })
    return { text: memoryLines(view), data: { memory: view } }
  },
})

export function missing(id: string): ToolError {
  return new ToolError(
    `No memory has the id "${id.slice(0, 100)}" here. Ids come from search_memories and get_memories.`,
  )
}
