import * as z from 'zod'
import { getMemory as readMemory } from '../../memory/get-memory.ts'
import { fits } from './budget.ts'
import { ToolError } from './errors.ts'
import { memoryId } from './fields.ts'
import { memoryLines, memoryView, viewOf } from './memory-view.ts'
import { defineTool, namespaceOf } from './tool.ts'

/** Characters of a text that are read at once: the most that fit beside what else is known of the memory. */
const charactersAtOnce = [7000, 4000, 1000]

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
    const answers = charactersAtOnce.map((characters) => {
      const view = viewOf(memory, { characters, from: input.offset })
      return { text: memoryLines(view), data: { memory: view } }
    })
    const answer = answers.find(fits)
    if (answer === undefined) throw new ToolError('The names of this memory are too long to be shown.')
    return answer
  },
})

export function missing(id: string): ToolError {
  return new ToolError(
    `No memory has the id "${id.slice(0, 100)}" here. Ids come from search_memories and get_memories.`,
  )
}
