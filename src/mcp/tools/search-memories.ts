import * as z from 'zod'
import { createMemory } from '../../memory/create-memory.ts'
import type { HybridResult } from '../../search/hybrid-search.ts'
import { recall } from '../../search/recall.ts'
import { fitted } from './budget.ts'
import { leftOut, limit, metadata, namespace, tags, time } from './fields.ts'
import { memoriesById } from './memories-by-id.ts'
import { memoryLines, memoryView, viewOf } from './memory-view.ts'
import { defineTool, namespaceOf, type ToolContext } from './tool.ts'
import { counted } from './view.ts'

export const searchMemories = defineTool({
  name: 'search_memories',
  description: 'Find memories that help with a question, by words and meaning, best first.',
  readOnly: true,
  input: z.strictObject({
    query: z.string().min(1).describe('plain words or a question'),
    namespace,
    tags: tags.describe('any of them'),
    speaker_id: z.string().optional(),
    metadata: metadata.describe('must contain this'),
    since: time('from'),
    until: time('before'),
    limit: limit(10, 100),
  }),
  output: z.object({ memories: z.array(memoryView), left_out: leftOut, note: z.string().optional() }),
  async run(context, input) {
    const { found, note } = await find(context, input)
    const rows = await memoriesById(
      context.db,
      found.map((result) => result.id),
    )
    // Without those that were deleted meanwhile.
    const results = found.flatMap(({ id, combinedScore }) => {
      const row = rows.get(id)
      return row === undefined ? [] : [{ row, score: Number(combinedScore.toFixed(3)) }]
    })
    return fitted(results.length, (shown, characters) => {
      const views = results
        .slice(0, shown)
        .map(({ row, score }) => ({ view: viewOf(row, { characters }), score }))
      const left = results.length - shown
      return {
        text: [
          results.length === 0
            ? 'No memory matches.'
            : `${counted(shown, 'memory', 'memories')}, best first:`,
          ...views.map(({ view }) => memoryLines(view)),
          ...(left > 0
            ? [`${left} more left out: this answer was full. Ask for less, or more precisely.`]
            : []),
          ...(note === undefined ? [] : [note]),
        ].join('\n'),
        data: {
          memories: views.map(({ view, score }) => ({ ...view, score })),
          ...(left > 0 && { left_out: left }),
          ...(note !== undefined && { note }),
        },
      }
    }).answer
  },
})

type Found = { readonly found: HybridResult[]; readonly note?: string }

async function find(context: ToolContext, input: z.output<typeof searchMemories.input>): Promise<Found> {
  const { query, tags = [], speaker_id: speakerId, metadata, since, until, limit: k } = input
  const { db, embedder } = context
  const options = {
    ...namespaceOf(context, input),
    tags,
    k,
    filter: {
      ...(speakerId !== undefined && { speakerId }),
      ...(metadata && { metadata }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    },
  }
  if (embedder === undefined) return { found: await recall(db, { question: query, ...options }) }
  const { memories, embedError } = await createMemory(db, embedder).recall(query, options)
  if (embedError === undefined) return { found: memories }
  return { found: memories, note: 'Found by words alone: the embedding model is not available now.' }
}
