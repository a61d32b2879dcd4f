import fc from 'fast-check'
import { expect, it } from 'vitest'
import { databaseTools } from '../../src/adapters/ai-sdk/index.ts'
import { ConfigurationError, InvalidInputError } from '../../src/index.ts'
import { clientInMemory } from '../mcp/clients.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

type Call = { readonly name: string; readonly args: Record<string, unknown> }

const text = fc.constantFrom(
  'Ana likes the window',
  'Bob moved the review',
  'night trains',
  'x'.repeat(70_000),
  '',
)
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({
    name: fc.constant('add_memory'),
    args: fc.record({ text, tags: fc.constantFrom(['a'], ['a', 'b']) }),
  }),
  fc.record({ name: fc.constant('add_memory'), args: fc.record({ text, wrong: fc.constant(1) }) }),
  fc.record({
    name: fc.constant('search_memories'),
    args: fc.record({ query: text, limit: fc.integer({ min: 0, max: 3 }) }),
  }),
  fc.record({
    name: fc.constant('get_memories'),
    args: fc.constantFrom({}, { tags: ['b'] }, { after: 'nonsense' }),
  }),
  fc.record({
    name: fc.constant('delete_all_memories'),
    args: fc.constantFrom({}, { confirm_count: 1 }, { confirm_count: 2 }),
  }),
  fc.record({
    name: fc.constant('enqueue_job'),
    args: fc.constantFrom<Record<string, unknown>>(
      { intent: 'x' },
      { intent: 'y', idempotency_key: 'k' },
      { intent: '' },
    ),
  }),
  fc.record({
    name: fc.constant('list_jobs'),
    args: fc.constantFrom({}, { intent: 'y' }, { statuses: ['failed'] }),
  }),
  fc.record({
    name: fc.constantFrom('get_memory', 'update_memory', 'delete_memory'),
    args: fc.constant({ memory_id: 'nobody', text: 'x' }),
  }),
)

describeOnEachBackend('the tools for the AI SDK', (test) => {
  let pairs = 0

  it('answer what the MCP server answers', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 25 }), async (calls) => {
        const [one, other] = [`mcp ${++pairs}`, `sdk ${pairs}`]
        const server = await clientInMemory({ db: test.db, namespace: one })
        const tools = databaseTools(test.db, { namespace: other })
        const ids = [new Map<string, string>(), new Map<string, string>()]
        for (const { name, args } of calls) {
          const answer = await server.call(name, args)
          const came = await executed(tools, name, args)
          expect({ name, args, refused: came instanceof Error }).toEqual({
            name,
            args,
            refused: answer.isError,
          })
          if (answer.isError) continue
          expect(comparable(came, other, ids[1] as Map<string, string>)).toEqual(
            comparable(answer.data, one, ids[0] as Map<string, string>),
          )
        }
      }),
      { numRuns: 25 },
    )
  })

  it('are chosen as those of the server, and checked as they are', async () => {
    expect(Object.keys(databaseTools(test.db, { readOnly: true }))).toEqual([
      'search_memories',
      'get_memories',
      'get_memory',
      'list_jobs',
      'get_job',
    ])
    await expectRefusal(() => databaseTools(test.db, { tools: ['fly' as never] }), ConfigurationError, 'fly')
    await expectRefusal(() => databaseTools(test.db, { namespace: '' }), InvalidInputError, 'namespace')
    const { add_memory } = databaseTools(test.db, { tools: ['add_memory'] })
    const context = { toolCallId: '1', messages: [], context: undefined } as never
    const attempt = async () => add_memory.execute?.({ txt: 'x' } as never, context)
    await expectRefusal(attempt(), InvalidInputError, 'txt')
  })
})

async function executed(tools: object, name: string, args: Record<string, unknown>): Promise<unknown> {
  try {
    const tool = (tools as Record<string, { execute(args: unknown, context: unknown): unknown }>)[name]
    return await tool?.execute(args, { toolCallId: '1', messages: [] })
  } catch (error) {
    return error
  }
}

/** Without times and names, and with ids numbered in the order in which they were seen. */
function comparable(data: unknown, namespace: string, ids: Map<string, string>): unknown {
  const json = JSON.stringify(data, (key, value) => {
    if (key.endsWith('_at') || key === 'next') return undefined
    if (key === 'id') {
      if (!ids.has(value)) ids.set(value, `id ${ids.size}`)
      return ids.get(value)
    }
    return value === namespace ? 'namespace' : value
  })
  return JSON.parse(json.replaceAll(namespace, 'namespace'))
}
