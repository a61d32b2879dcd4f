import * as z from 'zod'
import { createMemory } from '../../memory/create-memory.ts'
import type { NewMemory, RememberResult } from '../../memory/new-memory.ts'
import { remember } from '../../memory/remember.ts'
import { metadata, namespace, tags, time } from './fields.ts'
import { defineTool, namespaceOf, type ToolContext } from './tool.ts'

export const addMemory = defineTool({
  name: 'add_memory',
  description: 'Remember one fact. The same text in the same namespace is kept once.',
  idempotent: true,
  input: z.strictObject({
    text: z.string().min(1).describe('one self-contained statement: names, not "he"; dates, not "tomorrow"'),
    namespace: namespace.describe('whose memory: a user, agent or project'),
    tags,
    speaker_id: z.string().optional().describe('who said it'),
    metadata,
    importance: z.number().min(0).max(1).optional(),
    expires_at: time('forget after'),
  }),
  output: z.object({ id: z.string(), created: z.boolean() }),
  async run(context, input) {
    const { text, tags, metadata, importance, speaker_id: speakerId, expires_at: expiresAt } = input
    const { id, created } = await keep(context, {
      text,
      ...namespaceOf(context, input),
      ...(tags && { tags }),
      ...(speakerId !== undefined && { speakerId }),
      ...(metadata && { metadata }),
      ...(importance !== undefined && { importance }),
      ...(expiresAt !== undefined && { expiresAt }),
    })
    const text_ = created
      ? `Remembered as ${id}.`
      : `This was remembered already, as ${id}; it is up to date now.`
    return { text: text_, data: { id, created } }
  },
})

/** With a vector where there is an embedder. If that fails the text is kept all the same, and `embedPending` catches up. */
export function keep({ db, embedder }: ToolContext, memory: NewMemory): Promise<RememberResult> {
  return embedder === undefined ? remember(db, memory) : createMemory(db, embedder).remember(memory)
}
