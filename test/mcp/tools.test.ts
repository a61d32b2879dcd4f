import { beforeAll, beforeEach, expect, it } from 'vitest'
import {
  ConfigurationError,
  type Embedder,
  enqueue,
  getMemory,
  listMemories,
  remember,
  rememberMany,
} from '../../src/index.ts'
import { mcpServerFactory } from '../../src/mcp/index.ts'
import { longestResult } from '../../src/mcp/tools/budget.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, embedding, expectRefusal } from '../support/fixtures.ts'
import { clientInMemory, type TestClient } from './clients.ts'

describeOnEachBackend('MCP tools', (test) => {
  let server: TestClient
  beforeAll(async () => {
    server = await clientInMemory({ db: test.db })
  })
  beforeEach(() => clearMemories(test.db))

  it('are described in less than 8,000 characters, each with schemas and hints', async () => {
    const list = await server.client.listTools()
    expect(JSON.stringify(list).length).toBeLessThan(8000)
    for (const { name, description, inputSchema, outputSchema, annotations } of list.tools) {
      expect(description?.length, name).toBeGreaterThan(20)
      expect(inputSchema.type).toBe('object')
      expect(Object.keys(outputSchema?.properties ?? {}).length, name).toBeGreaterThan(0)
      expect(annotations?.openWorldHint, name).toBe(false)
      const changes = !annotations?.readOnlyHint
      expect(typeof annotations?.destructiveHint, name).toBe(changes ? 'boolean' : 'undefined')
    }
    const readers = list.tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name)
    expect(readers).toEqual(['search_memories', 'get_memories', 'get_memory', 'list_jobs', 'get_job'])
  })

  it('are chosen by name, and read only where asked', async () => {
    const namesOf = async (options: object) => {
      const { client } = await clientInMemory({ db: test.db, ...options })
      return (await client.listTools()).tools.map(({ name }) => name)
    }
    expect(await namesOf({ tools: ['get_job', 'add_memory'] })).toEqual(['add_memory', 'get_job'])
    expect(await namesOf({ readOnly: true, tools: ['get_job', 'add_memory'] })).toEqual(['get_job'])
    const reader = await clientInMemory({ db: test.db, readOnly: true })
    await expect(reader.call('add_memory', { text: 'x' })).rejects.toThrow('add_memory')
    await expectRefusal(
      () => mcpServerFactory({ db: test.db, tools: ['fly'] }),
      ConfigurationError,
      'fly',
      'add_memory',
    )
    await expectRefusal(
      () => mcpServerFactory({ db: test.db, readOnly: true, tools: ['add_memory'] }),
      ConfigurationError,
      'no tool is left',
    )
  })

  it('answer wrong arguments with an error that says what is wrong', async () => {
    const text = async (name: string, args: object) => {
      const answer = await server.call(name, args as Record<string, unknown>)
      expect(answer.isError).toBe(true)
      return answer.text
    }
    expect(await text('add_memory', { txt: 'x' })).toMatch(/text.*txt/)
    expect(await text('add_memory', { text: 'x'.repeat(65_537) })).toContain('65536')
    expect(await text('add_memory', { text: 'a\0b' })).toContain('NUL')
    expect(await text('add_memory', { text: 'x', expires_at: 'tomorrow' })).toContain('ISO 8601')
    expect(await text('search_memories', { query: 'x', since: 'tomorrow' })).toContain('since')
    expect(await text('search_memories', { query: 'x', limit: 0 })).toContain('limit')
    expect(await text('get_memories', { after: 'nonsense' })).toContain('after')
    expect(await text('get_memory', { memory_id: 'nobody' })).toContain('search_memories')
    expect(await text('update_memory', { memory_id: 'nobody', text: 'x' })).toContain('nobody')
    expect(await text('update_memory', { memory_id: 'nobody' })).toContain('at least one')
    expect(await text('delete_all_memories', {})).toContain('which namespace')
    expect(await text('enqueue_job', { intent: 'x', run_at: 'soon' })).toContain('runAt')
    expect(await text('get_job', { job_id: 'nobody' })).toContain('list_jobs')
    expect(await text('answer_job', { job_id: 'nobody', wait_id: 'w', answer: 'approve' })).toContain(
      'No job',
    )
  })

  it('tell the model nothing of what went wrong inside, and the operator all of it', async () => {
    const errors: unknown[] = []
    const broken = new Proxy(test.db, {
      get(db, key, receiver) {
        if (key === 'select') throw new TypeError('the password is 4711')
        return Reflect.get(db, key, receiver)
      },
    })
    const { call } = await clientInMemory({ db: broken, onError: (error) => errors.push(error) })
    const { isError, text } = await call('get_memories')
    expect(isError).toBe(true)
    expect(text).not.toContain('4711')
    expect(errors).toEqual([expect.objectContaining({ message: 'the password is 4711' })])
  })

  it('take a query as plain text', async () => {
    await remember(test.db, { text: 'never run git push with force on main' })
    for (const query of [
      'why must nobody run git push -f on main?',
      'git "push main" -force',
      'never -never',
      '🎉',
      '???',
      '-',
      'the',
    ]) {
      const { isError, text } = await server.call('search_memories', { query })
      expect({ query, isError, text }).toMatchObject({ query, isError: false })
      // Neither a quote nor a minus keeps out what the other words find.
      if (query.includes('never') || query.includes('push')) expect(text).toContain('never run git push')
    }
  })

  it('update in place: the text, and a vector that fits it', async () => {
    const { id } = await remember(test.db, {
      text: 'old',
      tags: ['a'],
      embedding: embedding(1),
      importance: 0.9,
    })
    await server.call('update_memory', { memory_id: id, tags: ['b'] })
    expect(await getMemory(test.db, { id })).toMatchObject({
      text: 'old',
      tags: ['b'],
      importance: expect.closeTo(0.9),
    })
    expect((await getMemory(test.db, { id }))?.embedding).not.toBeNull()
    await server.call('update_memory', { memory_id: id, text: 'new' })
    expect(await getMemory(test.db, { id })).toMatchObject({ text: 'new', tags: ['b'], embedding: null })
  })

  it('embed what is remembered, changed and asked, and say when that failed', async () => {
    let fails = false
    const embedder: Embedder = {
      model: 'test',
      dimensions: 384,
      async embed(texts) {
        if (fails) throw new Error('away')
        return texts.map((text) => Float32Array.from(embedding(text.includes('seat') ? 1 : 2)))
      },
    }
    const { call } = await clientInMemory({ db: test.db, embedder })
    const { data } = await call('add_memory', { text: 'Ana likes the window' })
    await call('update_memory', { memory_id: data.id, text: 'a seat at the window' })
    expect((await getMemory(test.db, { id: String(data.id) }))?.embedding?.[0]).toBeCloseTo(
      embedding(1)[0] as number,
    )
    expect((await call('search_memories', { query: 'which seat' })).data).toMatchObject({
      memories: [{ id: data.id }],
    })
    fails = true
    const kept = await call('add_memory', { text: 'kept all the same' })
    expect(kept.data.created).toBe(true)
    const found = await call('search_memories', { query: 'kept' })
    expect(found.data).toMatchObject({
      memories: [{ id: kept.data.id }],
      note: expect.stringContaining('words'),
    })
    expect(found.text).toContain('words alone')
  })

  it('delete a namespace only by its count, and all or nothing', async () => {
    await rememberMany(test.db, {
      items: [{ text: 'a', namespace: 'n' }, { text: 'b', namespace: 'n' }, { text: 'c' }],
    })
    const wrong = await server.call('delete_all_memories', { namespace: 'n', confirm_count: 3 })
    expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('has 2 memories, not 3') })
    expect((await listMemories(test.db)).items).toHaveLength(3)
    expect(
      (await server.call('delete_all_memories', { namespace: 'n', confirm_count: 2 })).data.deleted,
    ).toBe(2)
    expect((await listMemories(test.db)).items.map(({ text }) => text)).toEqual(['c'])
  })

  it('answer the question that a job asks, and no other', async () => {
    const { id: approval, waitId } = await enqueue(test.db, { intent: 'a', waitReason: 'approval' })
    const requiredAction = { ask: 'colour?' }
    const { id: input, waitId: asked } = await enqueue(test.db, {
      intent: 'b',
      waitReason: 'input',
      requiredAction,
    })
    const answer = (job_id: string, wait_id: unknown, args: object) =>
      server.call('answer_job', { job_id, wait_id, ...args })
    expect((await answer(approval, waitId, { answer: 'input', response: 1 })).text).toContain(
      'something else',
    )
    expect((await answer(input, asked, { answer: 'approve' })).text).toContain('something else')
    expect((await answer(approval, asked, { answer: 'approve' })).text).toContain('not wait for this')
    expect((await answer(approval, waitId, { answer: 'reject', comment: 'no' })).isError).toBe(false)
    // Said twice it counts once; the opposite is too late.
    expect((await answer(approval, waitId, { answer: 'reject', comment: 'no' })).isError).toBe(false)
    expect((await answer(approval, waitId, { answer: 'approve' })).isError).toBe(true)
    expect((await answer(input, asked, { answer: 'input', response: { colour: 'blue' } })).isError).toBe(
      false,
    )
    const { job } = (await server.call('get_job', { job_id: approval })).data as { job: object }
    expect(job).toMatchObject({ status: 'failed', error: { code: 'rejected', message: 'no' } })
  })
})

describeOnEachBackend('the budget of a result', (test) => {
  let server: TestClient
  beforeAll(async () => {
    server = await clientInMemory({ db: test.db })
  })

  it('is kept whatever is stored, what is left out is said, and pages reach everything', async () => {
    const hostile = [
      '"\\'.repeat(15_000),
      '\u0001'.repeat(30_000),
      '🎉'.repeat(15_000),
      'plain word '.repeat(5000),
    ]
    const long = 'n'.repeat(1000)
    const items = Array.from({ length: 16 }, (_, at) => ({
      id: `${at}${'"'.repeat(at % 4 === 0 ? 400 : 1)}`,
      text: `plain ${at} ${hostile[at % 4]}`,
      namespace: at % 3 === 0 ? long : 'short',
      speakerId: '"'.repeat(5000),
      tags: Array.from({ length: 50 }, (_, tag) => `${tag}${long}`.slice(0, 1000)),
      metadata: { big: hostile[(at + 1) % 4] },
    }))
    await rememberMany(test.db, { items })

    const seen: string[] = []
    for (let after: unknown; after !== null; ) {
      const { data, isError, length, text } = await server.call('get_memories', {
        limit: 100,
        ...(after ? { after } : {}),
      })
      expect(isError, text).toBe(false)
      expect(length).toBeLessThanOrEqual(longestResult)
      seen.push(...(data.memories as { id: string }[]).map(({ id }) => id))
      after = data.next
    }
    expect(seen.sort()).toEqual(items.map(({ id }) => id).sort())

    const found = await server.call('search_memories', { query: 'plain', limit: 16 })
    expect(found.length).toBeLessThanOrEqual(longestResult)
    const shown = (found.data.memories as unknown[]).length
    expect(shown).toBeGreaterThan(0)
    expect(found.data.left_out).toBe(16 - shown)
    expect(found.text).toContain(`${16 - shown} more left out`)

    for (const { id, text } of items.slice(0, 4)) {
      let whole = ''
      for (let offset: unknown = 0; offset !== undefined; ) {
        const { data, length } = await server.call('get_memory', { memory_id: id, offset })
        expect(length).toBeLessThanOrEqual(longestResult)
        const { memory } = data as { memory: { text: string; next_offset?: number } }
        whole += memory.text
        offset = memory.next_offset
      }
      expect(whole).toBe(text)
    }
  })

  it('ends in an error, and not in an endless search for less, where names alone exceed it', async () => {
    // Twice the id, and twice the cursor that names it.
    const items = ['1', '2'].map((end) => ({ id: '\u0002'.repeat(1000) + end, text: 'x', namespace: 'odd' }))
    await rememberMany(test.db, { items })
    const { isError, length, text } = await server.call('get_memories', { namespace: 'odd', limit: 1 })
    expect({ isError, text }).toEqual({ isError: true, text: expect.stringContaining('too long') })
    expect(length).toBeLessThan(1000)
  })

  it('is kept for jobs with large documents, and pages reach every job', async () => {
    const big = { text: '"\\\u0003'.repeat(20_000) }
    const ids: string[] = []
    for (let at = 0; at < 12; at++) {
      const waiting = at % 2 ? { waitReason: 'input' as const, requiredAction: big } : {}
      const metadata = { ...big, namespace: 'n' }
      ids.push(
        (
          await enqueue(test.db, {
            intent: '"'.repeat(1000),
            inputs: big,
            metadata,
            queue: '\u0004'.repeat(200),
            ...waiting,
          })
        ).id,
      )
    }
    for (const id of ids.slice(0, 2)) {
      const { length, isError, text } = await server.call('get_job', { job_id: id })
      expect(isError).toBe(false)
      expect(length).toBeLessThanOrEqual(longestResult)
      expect(text).toContain('cut: ')
    }
    for (const args of [{}, { namespace: 'n' }]) {
      const seen: string[] = []
      for (let after: unknown; after !== null; ) {
        const { data, length, isError } = await server.call('list_jobs', {
          limit: 50,
          ...args,
          ...(after ? { after } : {}),
        })
        expect(isError).toBe(false)
        expect(length).toBeLessThanOrEqual(longestResult)
        seen.push(...(data.jobs as { id: string }[]).map(({ id }) => id))
        after = data.next
      }
      expect(seen).toEqual([...ids].reverse())
    }
  })
})
