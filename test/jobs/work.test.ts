import { expect, it } from 'vitest'
import {
  approve,
  enqueue,
  enqueueMany,
  InvalidInputError,
  jobAttempts,
  listJobs,
  queueStats,
  type WorkerEvent,
  waitForJob,
  work,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read, uniqueName } from './fixtures.ts'
import { workerStarter } from './workers.ts'

describeOnEachBackend('work', (test) => {
  const { start, workers } = workerStarter(test)

  it('does jobs by the handler of their intent and keeps what it returns', async () => {
    const queue = uniqueName()
    const [double, other, nothing] = await enqueueMany(test.db, {
      jobs: [
        { intent: 'double', queue, inputs: { n: 21 } },
        { intent: 'unknown', queue },
        { intent: 'nothing', queue },
      ],
    })
    start(
      {
        double: ({ inputs }) => Number(inputs.n) * 2,
        nothing: () => {},
        '*': ({ intent }) => `any: ${intent}`,
      },
      { queue, workerId: 'ada' },
    )
    expect(await waitForJob(test.db, { id: double?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 42,
      workerId: 'ada',
    })
    expect(await waitForJob(test.db, { id: other?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 'any: unknown',
    })
    expect(await waitForJob(test.db, { id: nothing?.id ?? '', timeout: 20 })).toMatchObject({
      status: 'completed',
      result: null,
    })
  })

  it('does many, as many at once as it was told', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, { jobs: Array.from({ length: 300 }, () => ({ intent: 'a', queue })) })
    let atOnce = 0
    let most = 0
    const done = new Promise<void>((resolve) => {
      let count = 0
      start(
        {
          a: async () => {
            atOnce += 1
            most = Math.max(most, atOnce)
            await new Promise((next) => setTimeout(next, 1))
            atOnce -= 1
            count += 1
            if (count === 300) resolve()
          },
        },
        { queue, concurrency: 7 },
      )
    })
    await done
    await workers[0]?.stop()
    expect(most).toBe(7)
    expect(await queueStats(test.db, { queue })).toMatchObject([{ completed: 300, running: 0 }])
  })

  it('fails a job whose handler throws, and tries again by its own rules', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'flaky', queue, backoffSeconds: 0.01 })
    const hopeless = await enqueue(test.db, { intent: 'hopeless', queue })
    let tries = 0
    start(
      {
        flaky: () => {
          tries += 1
          if (tries < 3) throw Object.assign(new Error(`try ${tries}`), { code: 'flaky' })
          return tries
        },
        hopeless: () => {
          throw Object.assign(new Error('never'), { retryable: false })
        },
      },
      { queue },
    )
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
      status: 'completed',
      result: 3,
      attempt: 3,
      error: null,
    })
    expect(
      (await jobAttempts(test.db, { id })).map(({ outcome, error }) => [
        outcome,
        error?.code,
        error?.message,
      ]),
    ).toEqual([
      ['retried', 'flaky', 'try 1'],
      ['retried', 'flaky', 'try 2'],
      ['completed', undefined, undefined],
    ])
    expect(await waitForJob(test.db, { id: hopeless.id, timeout: 20 })).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'Error', message: 'never' },
    })
  })

  it('leaves a job that it has no handler for to somebody else, without using up an attempt', async () => {
    const queue = uniqueName()
    const unknown = await enqueueMany(test.db, {
      jobs: Array.from({ length: 20 }, () => ({ intent: 'of the next version', queue, maxAttempts: 1 })),
    })
    const known = await enqueue(test.db, { intent: 'fine', queue, priority: -1 })
    start({ fine: () => 1 }, { queue })
    expect(await waitForJob(test.db, { id: known.id, timeout: 20 })).toMatchObject({ status: 'completed' })
    await workers[0]?.stop()
    for (const { id } of unknown) {
      expect(await read(test.db, id)).toMatchObject({ status: 'pending', attempt: 0, error: null })
    }
    start({ '*': () => 'by the new worker' }, { queue })
    for (const { id } of unknown) {
      expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
        status: 'completed',
        attempt: 1,
      })
    }
  })

  it('fails a job whose result cannot be stored, and says which part', async () => {
    const queue = uniqueName()
    const unstorable: [result: unknown, problem: string][] = [
      [{ pages: [{ text: 'nul \u0000' }] }, 'result.pages[0].text has a NUL character'],
      [{ score: Number.NaN }, 'result.score is NaN'],
      [[1, 2n], 'result[1] is a BigInt, 2n'],
      [{ 'a b': '\ud83d' }, 'result["a b"] has half of a surrogate pair'],
      [{ at: new Date(Number.NaN) }, 'result.at is an Invalid Date'],
      [{ seen: new Set([1]) }, 'result.seen is a Set'],
      [() => 1, 'result is a function'],
    ]
    const jobs = await enqueueMany(test.db, {
      jobs: unstorable.map((_, at) => ({ intent: 'unstorable', queue, inputs: { at } })),
    })
    start({ unstorable: ({ inputs }) => unstorable[Number(inputs.at)]?.[0] }, { queue })
    for (const [at, { id }] of jobs.entries()) {
      const problem = unstorable[at]?.[1] ?? ''
      expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
        status: 'failed',
        attempt: 1,
        error: { code: 'invalid_input', message: expect.stringContaining(problem) },
      })
    }
  })

  it('tells what becomes of each attempt', async () => {
    const queue = uniqueName()
    const events: WorkerEvent[] = []
    start(
      {
        fine: () => new Promise((done) => setTimeout(done, 30)),
        flaky: ({ attempt }) => {
          if (attempt < 2) throw new Error('once more')
        },
        hopeless: () => {
          throw new Error('never')
        },
        patient: (job, { waitFor, snooze }) =>
          job.metadata.snooze ? snooze(3600) : waitFor({ reason: 'approval' }),
      },
      { queue, onEvent: (event) => events.push(event), onError: () => {} },
    )
    await enqueueMany(test.db, {
      jobs: [
        { intent: 'fine', queue, metadata: { name: 'fine' } },
        { intent: 'flaky', queue, backoffSeconds: 0.01, metadata: { name: 'flaky' } },
        { intent: 'hopeless', queue, maxAttempts: 1, metadata: { name: 'hopeless' } },
        { intent: 'patient', queue, metadata: { name: 'waits' } },
        { intent: 'patient', queue, metadata: { name: 'snoozes', snooze: true } },
      ],
    })
    await expect.poll(() => events.length, { timeout: 20_000 }).toBe(12)
    const of = (name: string) =>
      events.filter(({ job }) => job.metadata.name === name).map(({ type }) => type)
    expect(of('fine')).toEqual(['started', 'completed'])
    expect(of('flaky')).toEqual(['started', 'retried', 'started', 'completed'])
    expect(of('hopeless')).toEqual(['started', 'failed'])
    expect(of('waits')).toEqual(['started', 'waiting'])
    expect(of('snoozes')).toEqual(['started', 'snoozed'])
    const fine = events.find(({ type, job }) => type === 'completed' && job.metadata.name === 'fine')
    expect(fine?.durationMilliseconds).toBeGreaterThanOrEqual(29)
    expect(fine?.waitedMilliseconds).toBeGreaterThanOrEqual(0)
    expect(events.find(({ type }) => type === 'failed')?.error).toEqual(new Error('never'))
  })

  it('orchestrates: children, their results, an approval, progress and usage', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'report', queue })
    start(
      {
        report: async (job, context) => {
          const children = (await listJobs(context.db, { parentId: job.id })).items
          if (children.length === 0) {
            await context.enqueueChildren(
              [1, 2, 3].map((page) => ({ intent: 'page', queue, inputs: { page } })),
            )
            return context.waitFor({ reason: 'children' })
          }
          if (job.requiredAction?.response === undefined) {
            return context.waitFor({ reason: 'approval', requiredAction: { question: 'Publish?' } })
          }
          await context.reportProgress(0.9, 'publishing')
          await context.addUsage({ model: 'small', inputTokens: 7, cost: 0.5 })
          return children.map(({ result }) => result).sort()
        },
        page: ({ inputs }) => `page ${String(inputs.page)}`,
      },
      { queue },
    )
    while ((await read(test.db, id)).waitReason !== 'approval')
      await new Promise((next) => setTimeout(next, 20))
    const { waitId } = await read(test.db, id)
    expect(await approve(test.db, { id, waitId: waitId ?? '', by: 'ada' })).toBe('ok')
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({
      status: 'completed',
      result: ['page 1', 'page 2', 'page 3'],
      attempt: 1,
      progressMessage: 'publishing',
      usage: { cost: 0.5 },
    })
    expect((await jobAttempts(test.db, { id })).map(({ outcome }) => outcome)).toEqual([
      'waiting',
      'waiting',
      'completed',
    ])
  })

  it('reports what goes wrong beside the handlers, and goes on', async () => {
    const queue = uniqueName()
    const errors: unknown[] = []
    start(
      { a: () => 1 },
      {
        queue,
        onEvent: () => {
          throw new Error('the hook fails')
        },
        onError: (error, { job }) => errors.push([error, job?.intent]),
      },
    )
    const { id } = await enqueue(test.db, { intent: 'a', queue })
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({ status: 'completed' })
    await expect
      .poll(() => errors)
      .toEqual([
        [new Error('the hook fails'), 'a'],
        [new Error('the hook fails'), 'a'],
      ])
  })

  it('refuses at its start what cannot work', () => {
    const a = () => 1
    const wrong: [Parameters<typeof work>[1], Parameters<typeof work>[2], RegExp][] = [
      [{ a }, { concurrency: 0 }, /concurrency must be a number from 1 to 10000, got 0/],
      [{ a }, { concurrency: 2.5 }, /concurrency must be a whole number, got 2.5/],
      [{ a }, { batch: Number.NaN }, /batch must be a whole number, got NaN/],
      [{ a }, { leaseSeconds: Number.NaN }, /leaseSeconds must be a number from 0.01 to 604800, got NaN/],
      [{ a }, { leaseSeconds: 1, heartbeatSeconds: 1 }, /heartbeatSeconds must be less than leaseSeconds/],
      [{ a }, { heartbeatSeconds: -1 }, /heartbeatSeconds must be/],
      [{ a }, { pollMilliseconds: Number.POSITIVE_INFINITY }, /pollMilliseconds must be/],
      [{ a }, { drainSeconds: -1 }, /drainSeconds must be/],
      [{ a }, { ownConnections: 1.5 }, /ownConnections must be a whole number/],
      [{ a }, { queue: '' }, /queue must be a string of 1 to 255 bytes/],
      [{ a }, { workerId: 'x'.repeat(256) }, /workerId must be a string of 1 to 255 bytes/],
      [{ a }, { modes: ['magic' as never] }, /modes must be some of flow, mcp, agent, auto, got magic/],
      [{ a }, { modes: [] }, /modes must be some of .*, got none/],
      [{}, {}, /handlers must have a function for at least one intent/],
      [{ a: 'b' as never }, {}, /the handler of a must be a function, got string/],
    ]
    for (const [handlers, options, message] of wrong) {
      expect(() => work(test.db, handlers, options)).toThrow(message)
      expect(() => work(test.db, handlers, options)).toThrow(InvalidInputError)
    }
  })
})
