import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { claim, complete, enqueue, enqueueMany, InvalidInputError, listJobs } from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { read, running, uniqueName } from './fixtures.ts'

describeOnEachBackend('enqueue', (test) => {
  it('accepts a job with the defaults of the contract', async () => {
    const result = await enqueue(test.db, { intent: 'summarise' })
    expect(result).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'pending', created: true })
    const job = await read(test.db, result.id)
    expect(job).toMatchObject({
      queue: 'default',
      mode: 'auto',
      status: 'pending',
      priority: 0,
      attempt: 0,
      maxAttempts: 3,
      leaseToken: 0,
      inputs: {},
      metadata: {},
      usage: {},
      progress: 0,
      result: null,
      error: null,
      workerId: null,
      parentId: null,
      rootId: null,
      deadlineAt: null,
      startedAt: null,
      completedAt: null,
      cancelRequestedAt: null,
    })
    expect(job.createdAt).toBeInstanceOf(Date)
    expect(job.runAt).toEqual(job.createdAt)
  })

  it('keeps everything that it is given', async () => {
    const options = {
      intent: 'book',
      inputs: { city: 'Łódź', nested: [1, null, { a: '"\\' }] },
      queue: 'travel',
      mode: 'agent' as const,
      priority: -7,
      runAt: new Date('2040-05-06T07:08:09.123Z'),
      id: 'a'.repeat(64),
      idempotencyKey: 'k',
      singletonKey: 's',
      deadlineAt: '2041-01-01T00:00:00+02:00',
      maxAttempts: 9,
      backoffSeconds: 0.5,
      metadata: { who: 'ana' },
      traceId: 't',
      callbackUrl: 'https://example.org/done',
    }
    await enqueue(test.db, options)
    expect(await read(test.db, options.id)).toMatchObject({
      ...options,
      deadlineAt: new Date('2040-12-31T22:00:00Z'),
    })
  })

  it('accepts the same (queue, idempotency key) once, also after the end of the job', async () => {
    const queue = uniqueName()
    const first = await enqueue(test.db, { intent: 'a', queue, idempotencyKey: 'same' })
    expect(await enqueue(test.db, { intent: 'b', queue, idempotencyKey: 'same' })).toEqual({
      ...first,
      created: false,
    })
    const [job] = await claim(test.db, { queue, workerId: 'w' })
    await complete(test.db, { id: first.id, leaseToken: job?.leaseToken ?? 0 })
    expect(await enqueue(test.db, { intent: 'b', queue, idempotencyKey: 'same' })).toEqual({
      id: first.id,
      status: 'completed',
      created: false,
    })
    expect(
      await enqueue(test.db, { intent: 'a', queue: uniqueName(), idempotencyKey: 'same' }),
    ).toMatchObject({ created: true })
  })

  it('accepts the same id once', async () => {
    const id = uniqueName()
    expect(await enqueue(test.db, { intent: 'a', id })).toMatchObject({ created: true })
    expect(await enqueue(test.db, { intent: 'a', id })).toEqual({ id, status: 'pending', created: false })
  })

  it('has one unfinished job of a singleton key at a time', async () => {
    const queue = uniqueName()
    const first = await enqueue(test.db, { intent: 'sync', queue, singletonKey: 'calendar' })
    expect(await enqueue(test.db, { intent: 'sync', queue, singletonKey: 'calendar' })).toEqual({
      ...first,
      created: false,
    })
    const [job] = await claim(test.db, { queue, workerId: 'w' })
    expect(await enqueue(test.db, { intent: 'sync', queue, singletonKey: 'calendar' })).toMatchObject({
      status: 'running',
      created: false,
    })
    await complete(test.db, { id: first.id, leaseToken: job?.leaseToken ?? 0 })
    expect(await enqueue(test.db, { intent: 'sync', queue, singletonKey: 'calendar' })).toMatchObject({
      created: true,
    })
  })

  it('gives a child its parent and the root of the tree', async () => {
    const root = await enqueue(test.db, { intent: 'root' })
    const child = await enqueue(test.db, { intent: 'child', parentId: root.id })
    const grandchild = await enqueue(test.db, { intent: 'grandchild', parentId: child.id })
    expect(await read(test.db, child.id)).toMatchObject({ parentId: root.id, rootId: root.id })
    expect(await read(test.db, grandchild.id)).toMatchObject({ parentId: child.id, rootId: root.id })
  })

  it('accepts a job that has to be approved first', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, {
      intent: 'pay',
      queue,
      waitReason: 'approval',
      requiredAction: { question: 'Pay?' },
    })
    expect(await read(test.db, id)).toMatchObject({
      status: 'waiting',
      waitReason: 'approval',
      requiredAction: { question: 'Pay?' },
    })
    expect(await claim(test.db, { queue, workerId: 'w' })).toEqual([])
  })

  it('belongs to the transaction of the caller', async () => {
    const queue = uniqueName()
    await expect(
      test.db.transaction(async (transaction) => {
        await enqueue(transaction, { intent: 'never', queue })
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect((await listJobs(test.db, { queue })).items).toEqual([])
    await test.db.transaction((transaction) => enqueue(transaction, { intent: 'for sure', queue }))
    expect((await listJobs(test.db, { queue })).items).toHaveLength(1)
  })

  it.each([
    [{ intent: '' }, /intent must have from 1 to 1024 bytes, got 0/],
    [{ intent: 'a', inputs: [1] }, /inputs must be a JSON object, got array/],
    [{ intent: 'a', inputs: { a: 1n } }, /inputs must be a value that JSON can hold/],
    [{ intent: 'a', priority: 40_000 }, /priority must be from -32768 to 32767, got 40000/],
    [{ intent: 'a', priority: 1.5 }, /priority must be a whole number, got 1.5/],
    [{ intent: 'a', mode: 'magic' }, /execution_mode.*magic/],
    [{ intent: 'a', runAt: 'soon' }, /runAt must be a Date or an ISO 8601 time such as .*, got soon/],
    [{ intent: 'a', maxAttempts: 0 }, /maxAttempts must be at least 1, got 0/],
    [{ intent: 'a', backoffSeconds: -1 }, /backoffSeconds must be from 0 to 86400 \(a day\), got -1/],
    [{ intent: 'a', backoffSeconds: Number.NaN }, /backoffSeconds must be a number, got NaN/],
    [{ intent: 'a', queue: 'q'.repeat(300) }, /queue must have from 1 to 255 bytes, got 300/],
    [{ intent: 'a', queue: 7 }, /queue must be a string, got number/],
    [{ intent: 'a', parentId: 'nobody' }, /parentId must be the id of a job, got nobody/],
    [{ intent: 'a', waitReason: 'children' }, /can wait for approval, input or external/],
    [{ intent: 'a', requiredAction: { question: '?' } }, /with a requiredAction/],
    [{ intent: 'a', metadata: 'text' }, /metadata must be a JSON object, got string/],
    [{ intent: 'nul \u0000' }, /.*/],
    [{}, /intent/],
  ])('refuses %o', async (options, message) => {
    const refused = enqueue(test.db, options as never)
    await expect(refused).rejects.toThrow(InvalidInputError)
    await expect(refused).rejects.toThrow(message)
  })

  it('can be called by name from any language', async () => {
    await test.db.execute(
      sql`SELECT * FROM enqueue('summarise', '{"document": "d1"}', queue => 'from-sql', priority => 3, mode => 'flow')`,
    )
    expect((await listJobs(test.db, { queue: 'from-sql' })).items).toMatchObject([
      { mode: 'flow', priority: 3, inputs: { document: 'd1' } },
    ])
  })
})

describeOnEachBackend('enqueueMany', (test) => {
  it('accepts jobs in order, each with its own options', async () => {
    const queue = uniqueName()
    const parent = await enqueue(test.db, { intent: 'parent', queue: uniqueName() })
    const runAt = new Date('2040-01-01T00:00:00.456Z')
    const accepted = await enqueueMany(test.db, {
      jobs: [
        { intent: 'a', queue, priority: 1, inputs: { n: 1 } },
        { intent: 'b', queue, id: 'my-own', mode: 'mcp', runAt, parentId: parent.id },
        { intent: 'c', queue, waitReason: 'input', requiredAction: { ask: 'x' } },
      ],
    })
    expect(accepted).toEqual([
      { id: expect.any(String), status: 'pending', created: true },
      { id: 'my-own', status: 'pending', created: true },
      { id: expect.any(String), status: 'waiting', created: true, waitId: expect.any(String) },
    ])
    expect(await read(test.db, accepted[0]?.id ?? '')).toMatchObject({
      priority: 1,
      inputs: { n: 1 },
      maxAttempts: 3,
      mode: 'auto',
    })
    expect(await read(test.db, 'my-own')).toMatchObject({
      mode: 'mcp',
      runAt,
      parentId: parent.id,
      rootId: parent.id,
    })
  })

  it('says which were there already, in the table or earlier in the list', async () => {
    const queue = uniqueName()
    const old = await enqueue(test.db, { intent: 'a', queue, idempotencyKey: 'k1' })
    const busy = await running(test.db, { queue: uniqueName(), singletonKey: 's1' })
    const accepted = await enqueueMany(test.db, {
      jobs: [
        { intent: 'a', queue, idempotencyKey: 'k1' },
        { intent: 'a', queue, idempotencyKey: 'k2' },
        { intent: 'a', queue, idempotencyKey: 'k2' },
        { intent: 'a', queue: busy.queue, singletonKey: 's1' },
        { intent: 'a', queue, id: 'twice' },
        { intent: 'a', queue, id: 'twice' },
      ],
    })
    expect(accepted.map(({ created }) => created)).toEqual([false, true, false, false, true, false])
    expect(accepted[0]?.id).toBe(old.id)
    expect(accepted[2]?.id).toBe(accepted[1]?.id)
    expect(accepted[3]).toEqual({ id: busy.id, status: 'running', created: false })
    expect(accepted[5]?.id).toBe('twice')
  })

  it('takes a thousand, and none', async () => {
    const queue = uniqueName()
    const accepted = await enqueueMany(test.db, {
      jobs: Array.from({ length: 1000 }, (_, n) => ({ intent: `i${n}`, queue })),
    })
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(1000)
    expect((await read(test.db, accepted[500]?.id ?? '')).intent).toBe('i500')
    expect(await enqueueMany(test.db, { jobs: [] })).toEqual([])
  })

  it.each([
    [
      [{ intent: 'fine' }, { intent: 'a', colour: 'red' }],
      /element 1 has an unknown key, colour; known are intent/,
    ],
    [[{ intent: 'fine' }, 7], /element 1 must be an object, got number/],
    [
      [{ intent: 'fine' }, { intent: 'a', inputs: 'x' }],
      /element 1: inputs must be a JSON object, got string/,
    ],
    [[{ intent: 'fine' }, { intent: 'a', parentId: 'nobody' }], /element 1: parentId must be .* got nobody/],
    [[{ intent: 'fine' }, { intent: 'a', waitReason: 'children' }], /element 1: a new job can wait for/],
    [[{ intent: 'fine' }, { intent: 'a', priority: 99_999 }], /element 1: priority must be .* got 99999/],
    [[{ intent: 'fine' }, { inputs: {} }], /element 1: intent must be a string, got undefined/],
    [[{ intent: 'a', runAt: new Date(Number.NaN) }], /element 0: runAt must be a Date/],
    [[{ intent: 'a' }, { intent: 'a', deadlineAt: 'soon' }], /element 1: deadlineAt must be a Date/],
    [[{ intent: 'a' }, { intent: 'a', priority: Number.NaN }], /element 1: priority .* got NaN/],
    [[{ intent: 'a', priority: 1.5 }], /element 0: priority must be a whole number, got 1.5/],
    [[{ intent: 'a', priority: Number.POSITIVE_INFINITY }], /element 0: priority .* got Infinity/],
    [[{ intent: 'a', maxAttempts: 0 }], /element 0: maxAttempts must be from 1/],
    [[{ intent: 'a', backoffSeconds: Number.POSITIVE_INFINITY }], /element 0: backoffSeconds must be from 0/],
    [[{ intent: 'a', backoffSeconds: Number.NaN }], /element 0: backoffSeconds must be a number, got NaN/],
    [[{ intent: 'a', mode: 'magic' }], /element 0: mode must be flow, mcp, agent, auto, got magic/],
    [[{ intent: 'a', idempotencyKey: 7 }], /element 0: idempotencyKey must be a string/],
    [[{ intent: 'é'.repeat(513) }], /element 0: intent must have from 1 to 1024 bytes, got 1026/],
    [
      [{ intent: 'a' }, { intent: 'a', inputs: { score: [1, Number.NaN] } }],
      /jobs\[1\].inputs.score\[1\] is NaN/,
    ],
    [[{ intent: 'a', metadata: { text: 'x\u0000' } }], /jobs\[0\].metadata.text has a NUL/],
  ])('refuses all of %j', async (jobs, message) => {
    const queue = uniqueName()
    const refused = enqueueMany(test.db, {
      jobs: jobs.map((job) => (typeof job === 'object' ? { ...job, queue } : job)) as never,
    })
    await expect(refused).rejects.toThrow(InvalidInputError)
    await expect(refused).rejects.toThrow(message)
    expect((await listJobs(test.db, { queue })).items).toEqual([])
  })
})

describeOnServer('enqueue at the same time', (test) => {
  it('accepts one of fifty with the same idempotency key, and one of fifty with the same singleton key', async () => {
    const { db } = await test.connectAgain(20)
    for (const key of ['idempotencyKey', 'singletonKey'] as const) {
      const queue = uniqueName()
      const results = await Promise.all(
        Array.from({ length: 50 }, () => enqueue(db, { intent: 'a', queue, [key]: 'same' })),
      )
      expect(results.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(results.map(({ id }) => id)).size).toBe(1)
    }
  })
})
