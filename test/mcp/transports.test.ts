import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatabaseLocation } from '../../src/database/location.ts'
import { listMemories, work } from '../../src/index.ts'
import { type RunningMcp, runMcp } from '../../src/mcp/index.ts'
import { tools } from '../../src/mcp/tools/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { clientOver, httpTransport, type Mode, stdioTransport, type TestClient } from './clients.ts'

/** Every tool once, each by what the one before gave. */
async function everyTool({ client, call }: TestClient): Promise<void> {
  const { tools: listed } = await client.listTools()
  expect(listed.map(({ name }) => name)).toEqual(Object.keys(tools))
  expect(client.getInstructions()).toContain('search_memories')
  const called = new Set<string>()
  const ask = async (name: string, args: Record<string, unknown> = {}) => {
    called.add(name)
    const answer = await call(name, args)
    expect(answer, answer.text).toMatchObject({ isError: false })
    return answer
  }

  const { data } = await ask('add_memory', {
    text: 'Ana prefers window seats',
    namespace: 'ana',
    tags: ['travel'],
  })
  expect(data.created).toBe(true)
  expect(
    (await ask('search_memories', { query: 'where does Ana like to sit? a window seat' })).data.memories,
  ).toEqual([
    expect.objectContaining({
      id: data.id,
      text: 'Ana prefers window seats',
      namespace: 'ana',
      tags: ['travel'],
    }),
  ])
  await ask('update_memory', { memory_id: data.id, text: 'Ana prefers aisle seats' })
  expect((await ask('get_memory', { memory_id: data.id })).text).toContain('Ana prefers aisle seats')
  expect((await ask('get_memories', { namespace: 'ana' })).data).toMatchObject({
    memories: [{ id: data.id }],
    next: null,
  })
  expect((await ask('delete_memory', { memory_id: data.id })).data).toEqual({ deleted: true })
  await ask('add_memory', { text: 'one', namespace: 'ana' })
  expect((await ask('delete_all_memories', { namespace: 'ana' })).data).toEqual({ deleted: 0, count: 1 })
  expect((await ask('delete_all_memories', { namespace: 'ana', confirm_count: 1 })).data.deleted).toBe(1)

  const { data: job } = await ask('enqueue_job', {
    intent: 'book',
    inputs: { seat: 'aisle' },
    needs_approval: true,
  })
  expect((await ask('list_jobs', { statuses: ['waiting'] })).data.jobs).toEqual([
    expect.objectContaining({ id: job.id, waits_for: 'approval', wait_id: job.wait_id }),
  ])
  await ask('answer_job', { job_id: job.id, wait_id: job.wait_id, answer: 'approve', comment: 'yes' })
  expect((await ask('get_job', { job_id: job.id })).data.job).toMatchObject({
    status: 'pending',
    inputs: { seat: 'aisle' },
  })
  expect((await ask('cancel_job', { job_id: job.id })).data).toEqual({ outcome: 'cancelled' })
  expect([...called].sort()).toEqual(Object.keys(tools).sort())
}

describe('MCP over standard input and output', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'opa-db-mcp-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('serves every tool from a process, and keeps what was remembered when the client leaves', async () => {
    const location: DatabaseLocation = { kind: 'embedded', dataDir: join(folder, 'data') }
    const first = await clientOver(stdioTransport({ location }))
    await everyTool(first)
    await first.call('add_memory', { text: 'Bob moved the review' })
    await first.close()
    const second = await clientOver(stdioTransport({ location, namespace: 'default' }), 'auto')
    expect((await second.call('search_memories', { query: 'review' })).text).toContain('Bob moved the review')
    await second.close()
  })
})

describeOnServer('MCP over standard input and output', (test) => {
  it('serves every tool from a process', async () => {
    const client = await clientOver(stdioTransport({ location: test.location }))
    await everyTool(client)
    await client.close()
  })

  it('answers what was asked before its input ended is stored, although nobody reads the answer', async () => {
    const client = await clientOver(stdioTransport({ location: test.location, namespace: 'leaving' }))
    const calls = Array.from({ length: 5 }, (_, at) =>
      client.call('add_memory', { text: `last words ${at}` }),
    )
    await calls[0]
    await client.close()
    await Promise.allSettled(calls)
    const { items } = await listMemories(test.db, { namespace: 'leaving' })
    expect(items.length).toBeGreaterThanOrEqual(1)
  })
})

describeOnEachBackend('MCP over HTTP', (test) => {
  let server: RunningMcp
  beforeAll(async () => {
    server = await runMcp({ db: test.db, http: { port: 0 } })
  })
  afterAll(() => server.close())

  const clientOf = (mode: Mode) => clientOver(httpTransport(server.url as string), mode)

  it.each<Mode>(['legacy', 'auto'])('serves every tool to a client of the protocol %s', async (mode) => {
    const client = await clientOf(mode)
    await everyTool(client)
    await client.close()
  })

  it('keeps 20 of 20 concurrent add_memory', async () => {
    const client = await clientOf('auto')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        client.call('add_memory', { text: `fact ${at}`, namespace: 'crowd' }),
      ),
    )
    expect(answers.every(({ data }) => data.created === true)).toBe(true)
    const { items } = await listMemories(test.db, { namespace: 'crowd' })
    expect(items.map(({ text }) => text).sort()).toEqual(
      Array.from({ length: 20 }, (_, at) => `fact ${at}`).sort(),
    )
    await client.close()
  })

  it('loses nothing of two clients and a worker at once', async () => {
    const clients = await Promise.all([clientOf('legacy'), clientOf('auto')])
    const done: string[] = []
    const worker = work(
      test.db,
      { note: ({ inputs }) => done.push(String(inputs.number)) },
      { queue: 'mcp-work', concurrency: 4, pollMilliseconds: 20 },
    )
    const numbers = clients.flatMap((_, client) => Array.from({ length: 15 }, (_, at) => `${client}.${at}`))
    await Promise.all(
      clients.map(async ({ call }, client) => {
        for (let at = 0; at < 15; at++) {
          const number = `${client}.${at}`
          const [memory, job] = await Promise.all([
            call('add_memory', { text: `number ${number}`, namespace: 'two' }),
            call('enqueue_job', { intent: 'note', inputs: { number }, queue: 'mcp-work', namespace: 'two' }),
          ])
          expect([memory.data.created, job.data.created]).toEqual([true, true])
        }
      }),
    )
    await expect.poll(() => done.length, { timeout: 30_000 }).toBe(30)
    expect(done.sort()).toEqual(numbers.sort())
    await worker.stop()
    const { items } = await listMemories(test.db, { namespace: 'two', limit: 100 })
    expect(items.map(({ text }) => text).sort()).toEqual(numbers.map((number) => `number ${number}`).sort())
    const { data } = await clients[0].call('list_jobs', { namespace: 'two', limit: 50 })
    const jobs = data.jobs as { status: string }[]
    expect(jobs).toHaveLength(30)
    expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['completed']))
    await Promise.all(clients.map((client) => client.close()))
  })
})
