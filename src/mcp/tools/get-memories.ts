import * as z from 'zod'
import { listMemories, type MemoryPage } from '../../memory/list-memories.ts'
import { fitted } from './budget.ts'
import { after, limit, namespace, next, tags } from './fields.ts'
import { memoryLines, memoryView, viewOf } from './memory-view.ts'
import { defineTool, namespaceOf } from './tool.ts'
import { counted } from './view.ts'

export const getMemories = defineTool({
  name: 'get_memories',
  description: 'List memories, newest first, a page at a time. To answer a question use search_memories.',
  readOnly: true,
  input: z.strictObject({
    namespace,
    tags: tags.describe('any of them'),
    speaker_id: z.string().optional(),
    limit: limit(20, 100),
    after,
  }),
  output: z.object({ memories: z.array(memoryView), next }),
  async run(context, input) {
    const { speaker_id: speakerId, after, tags } = input
    const read = (limit: number) =>
      listMemories(context.db, {
        ...namespaceOf(context, input),
        ...(tags && { tags }),
        ...(speakerId !== undefined && { speakerId }),
        ...(after !== undefined && { after }),
        limit,
      })
    let page = await read(input.limit)
    for (;;) {
      const { shown, answer } = answerOf(page)
      // Less than the page fits: the shorter page knows where the next one begins.
      if (shown === page.items.length) return answer
      page = await read(shown)
    }
  },
})

function answerOf(page: MemoryPage) {
  const count = page.items.length
  return fitted(count, (shown, characters) => {
    const memories = page.items.slice(0, shown).map((memory) => viewOf(memory, { characters }))
    const more = page.next === null ? 'That is all.' : `There are more: call again with after "${page.next}".`
    const head = count === 0 ? 'No memories.' : `${counted(shown, 'memory', 'memories')}, newest first:`
    return {
      text: [head, ...memories.map(memoryLines), ...(count === 0 ? [] : [more])].join('\n'),
      data: { memories, next: page.next },
    }
  })
}
