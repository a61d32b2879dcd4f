import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { forget, getMemory, listMemories, memoryId, remember, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'

const vector = (seed: number) => Array.from({ length: 384 }, (_, at) => Math.sin(seed * (at + 1)))

describeOnEachBackend('remember', (test) => {
  it('keeps a memory under the id of its content, once', async () => {
    const memory = { text: 'Ana prefers window seats', tags: ['travel', 'ana'] }
    const first = await remember(test.db, memory)
    const again = await remember(test.db, { ...memory, tags: ['ana', 'travel', 'ana'] })
    expect(first).toEqual({ id: memoryId('default', memory.text, memory.tags), created: true })
    expect(again).toEqual({ id: first.id, created: false })
    expect(await getMemory(test.db, { id: first.id })).toMatchObject({
      text: memory.text,
      namespace: 'default',
      importance: 0.5,
      embedding: null,
      metadata: {},
      speakerId: null,
    })
  })
})
void sql
void forget
void listMemories
void rememberMany
void vector
