import { beforeAll, expect, it } from 'vitest'
import {
  claim,
  enqueue,
  getJob,
  getMemory,
  InvalidInputError,
  listMemories,
  remember,
} from '../../src/index.ts'
import { mcpServerFactory } from '../../src/mcp/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'
import { clientInMemory, type TestClient } from './clients.ts'

describeOnEachBackend('a pinned namespace', (test) => {
  let ana: TestClient
  let everybody: TestClient
  let secret: string
  beforeAll(async () => {
    ana = await clientInMemory({ db: test.db, namespace: 'ana' })
    everybody = await clientInMemory({ db: test.db })
    const memory = {
      text: 'the code of the safe is 4711',
      tags: ['code'],
      speakerId: 'bob',
      metadata: { of: 'bob' },
    }
    secret = (await remember(test.db, { ...memory, namespace: 'bob' })).id
    await remember(test.db, { text: 'the code of conduct', namespace: 'anabel' })
  })

  const bobs = () => getMemory(test.db, { id: secret, namespace: 'bob' })

  it('has no argument for a namespace, and refuses one', async () => {
    const { tools } = await ana.client.listTools()
    expect(JSON.stringify(tools.map(({ inputSchema }) => inputSchema.properties))).not.toContain(
      '"namespace"',
    )
    for (const [name, args] of [
      ['search_memories', { query: 'code' }],
      ['get_memories', {}],
      ['get_memory', { memory_id: secret }],
      ['add_memory', { text: 'x' }],
      ['update_memory', { memory_id: secret, text: 'x' }],
      ['delete_memory', { memory_id: secret }],
      ['delete_all_memories', { confirm_count: 1 }],
      ['enqueue_job', { intent: 'x' }],
      ['list_jobs', {}],
    ] as const) {
      const { isError, text } = await ana.call(name, { ...args, namespace: 'bob' })
      expect({ name, isError }).toEqual({ name, isError: true })
      expect(text).toContain('namespace')
    }
    expect(await bobs()).toMatchObject({ text: 'the code of the safe is 4711' })
  })

  it('finds nothing of others, by words, tags, speakers, metadata or pages', async () => {
    for (const filter of [
      {},
      { tags: ['code'] },
      { speaker_id: 'bob' },
      { metadata: { of: 'bob' } },
      { since: '2000-01-01' },
      { query: 'code', metadata: { namespace: 'bob' } },
    ]) {
      const { data } = await ana.call('search_memories', { query: 'code of the safe 4711', ...filter })
      expect(data.memories).toEqual([])
    }
    expect((await ana.call('get_memories', { tags: ['code'], speaker_id: 'bob' })).data.memories).toEqual([])
    // A cursor of somebody else's page says where to go on, not what may be read.
    await remember(test.db, { text: 'one more', namespace: 'bob' })
    const page = await everybody.call('get_memories', { namespace: 'bob', limit: 1 })
    expect(page.data.next).not.toBeNull()
    expect((await ana.call('get_memories', { after: page.data.next })).data.memories).toEqual([])
  })

  it('reads, changes and deletes nothing of others by their ids', async () => {
    for (const [name, args] of [
      ['get_memory', {}],
      ['update_memory', { text: 'the safe is empty' }],
      ['update_memory', { tags: ['stolen'] }],
    ] as const) {
      const there = await ana.call(name, { memory_id: secret, ...args })
      const nowhere = await ana.call(name, { memory_id: 'nobody', ...args })
      expect(there.isError).toBe(true)
      // Nor does the answer say whether somebody has it.
      expect(there.text.replace(secret, '?')).toBe(nowhere.text.replace('nobody', '?'))
    }
    expect((await ana.call('delete_memory', { memory_id: secret })).data).toEqual({ deleted: false })
    expect((await ana.call('delete_all_memories', { confirm_count: 1 })).isError).toBe(true)
    expect((await ana.call('delete_all_memories')).data).toEqual({ deleted: 0, count: 0 })
    expect(await bobs()).toMatchObject({ text: 'the code of the safe is 4711', tags: ['code'] })
  })

  it('writes to its own alone', async () => {
    const { data } = await ana.call('add_memory', { text: 'the code of the safe is 4711', tags: ['code'] })
    expect(data).toMatchObject({ created: true })
    expect(data.id).not.toBe(secret)
    const { items } = await listMemories(test.db, { namespace: 'ana' })
    expect(items.map(({ namespace }) => namespace)).toEqual(['ana'])
    expect((await ana.call('delete_all_memories', { confirm_count: 1 })).data.deleted).toBe(1)
    expect(await bobs()).not.toBeNull()
  })

  it('sees, answers and cancels only jobs of its own', async () => {
    const waiting = { waitReason: 'approval', requiredAction: { question: 'pay?' } } as const
    const { id: bobsJob } = await enqueue(test.db, {
      intent: 'pay',
      metadata: { namespace: 'bob' },
      ...waiting,
    })
    const { id: nobodys } = await enqueue(test.db, { intent: 'pay', ...waiting })
    const { id: anabels } = await enqueue(test.db, {
      intent: 'pay',
      metadata: { namespace: 'anabel' },
      ...waiting,
    })
    const { data } = await ana.call('enqueue_job', { intent: 'pay', needs_approval: true })
    const own = String(data.id)
    expect((await getJob(test.db, { id: own }))?.metadata).toEqual({ namespace: 'ana' })

    for (const id of [bobsJob, nobodys, anabels]) {
      for (const [name, args] of [
        ['get_job', {}],
        ['cancel_job', { cascade: true }],
        ['answer_job', { answer: 'approve', wait_id: 'w' }],
        ['answer_job', { answer: 'reject', wait_id: 'w' }],
        ['list_jobs', { after: id }],
      ] as const) {
        const { isError, text } = await ana.call(name, name === 'list_jobs' ? args : { job_id: id, ...args })
        expect({ name, isError }).toEqual({ name, isError: true })
        expect(text).toContain('No job has the id')
      }
      expect((await getJob(test.db, { id }))?.status).toBe('waiting')
    }
    const listed = await ana.call('list_jobs', { statuses: ['waiting'] })
    expect((listed.data.jobs as { id: string }[]).map(({ id }) => id)).toEqual([own])
    expect((await everybody.call('list_jobs', { namespace: 'bob' })).data.jobs).toMatchObject([
      { id: bobsJob },
    ])
    await ana.call('cancel_job', { job_id: own })
  })

  it('sees what its jobs enqueued beneath them, but not what was enqueued for somebody else', async () => {
    const { data } = await ana.call('enqueue_job', { intent: 'plan', queue: 'plans' })
    const parentId = String(data.id)
    await claim(test.db, { queue: 'plans', workerId: 'w', leaseSeconds: 60 })
    const { id: child } = await enqueue(test.db, { intent: 'step', parentId })
    const { id: grandchild } = await enqueue(test.db, { intent: 'detail', parentId: child })
    const { id: foreign } = await enqueue(test.db, {
      intent: 'bill',
      parentId,
      metadata: { namespace: 'bob' },
    })
    const listed = (await ana.call('list_jobs', { limit: 2 })).data as {
      jobs: { id: string }[]
      next: string
    }
    const rest = (await ana.call('list_jobs', { after: listed.next, statuses: ['running'] })).data.jobs
    expect(listed.jobs.map(({ id }) => id)).toEqual([grandchild, child])
    expect(rest).toMatchObject([{ id: parentId }])
    expect((await ana.call('get_job', { job_id: grandchild })).data.job).toMatchObject({ intent: 'detail' })
    expect((await ana.call('get_job', { job_id: foreign })).isError).toBe(true)
  })

  it('keeps idempotency keys apart', async () => {
    const job = { intent: 'pay', queue: 'keys', idempotency_key: 'invoice-1' }
    const bobsJob = await everybody.call('enqueue_job', { ...job, namespace: 'bob' })
    const first = await ana.call('enqueue_job', job)
    const again = await ana.call('enqueue_job', job)
    expect([bobsJob.data.created, first.data.created, again.data.created]).toEqual([true, true, false])
    expect(again.data.id).toBe(first.data.id)
    expect(first.data.id).not.toBe(bobsJob.data.id)
    // A key that somebody wrote by other ways to look like Ana's: no word of the job that has it.
    await enqueue(test.db, { intent: 'x', queue: 'keys', idempotencyKey: JSON.stringify(['ana', 'k']) })
    const taken = await ana.call('enqueue_job', { ...job, idempotency_key: 'k' })
    expect(taken).toMatchObject({ isError: true, text: 'This idempotency_key is taken. Choose another.' })
  })

  it('must be a namespace that can be', async () => {
    for (const namespace of ['', 'a\0b', 'x'.repeat(1025), '\ud800']) {
      await expectRefusal(() => mcpServerFactory({ db: test.db, namespace }), InvalidInputError, 'namespace')
    }
  })
})
