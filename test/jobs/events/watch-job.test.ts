import { sql } from 'drizzle-orm'
import { afterAll, expect, it } from 'vitest'
import { queryRows } from '../../../src/database/rows.ts'
import {
  addJobOutput,
  approve,
  claim,
  complete,
  enqueue,
  fail,
  getCheckpoint,
  type JobEvent,
  NotFoundError,
  prune,
  reportProgress,
  saveCheckpoint,
  setJobEvents,
  type WatchJobOptions,
  waitForJob,
  watchJob,
} from '../../../src/index.ts'
import { sleep } from '../../../src/jobs/sleep.ts'
import { describeOnEachBackend, describeOnServer } from '../../support/backends.ts'
import { read, running, uniqueName } from '../fixtures.ts'
import { workerStarter } from '../workers.ts'

const said = (events: JobEvent[]) => events.map(({ kind, data }) => [kind, data])

describeOnEachBackend('watching a job', (test) => {
  /** Watches until the job has ended. */
  const watch = (options: WatchJobOptions) => {
    const events: JobEvent[] = []
    const watching = (async () => {
      for await (const event of watchJob(test.db, options)) events.push(event)
    })()
    return { events, watching }
  }
  const { start } = workerStarter(test)
  afterAll(() => setJobEvents(test.db, { isOn: false }))

  it('gives its output, and of its status what was seen, without anything being turned on', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'write', queue })
    const { events, watching } = watch({ id, pollMilliseconds: 10 })
    await expect.poll(() => said(events)).toEqual([['status', { status: 'pending' }]])
    const [job] = await claim(test.db, { queue, workerId: 'w' })
    if (job === undefined) throw new Error('nothing to claim')
    await expect.poll(() => said(events).at(-1)).toEqual(['status', { status: 'running' }])
    await reportProgress(test.db, { ...job, progress: 0.5, message: 'half' })
    await expect.poll(() => said(events).at(-1)).toEqual(['progress', { progress: 0.5, message: 'half' }])
    for (const output of ['Once ', { upon: 'a time' }, null, '🙂'])
      await addJobOutput(test.db, { ...job, output })
    await complete(test.db, job)
    await watching
    expect(said(events).slice(3)).toEqual([
      ['output', 'Once '],
      ['output', { upon: 'a time' }],
      ['output', null],
      ['output', '🙂'],
      ['status', { status: 'completed' }],
    ])
    const again: JobEvent[] = []
    for await (const event of watchJob(test.db, { id, after: 2 })) again.push(event)
    expect(again.map(({ seq }) => seq)).toEqual([3, 4, undefined])
  })

  it('gives every change once events are on', async () => {
    await setJobEvents(test.db, { isOn: true })
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'flaky', queue, backoffSeconds: 0.01 })
    const { events, watching } = watch({ id, isListening: true, pollMilliseconds: 20_000 })
    start(
      {
        flaky: async ({ attempt }, context) => {
          await context.reportProgress(attempt / 4, `try ${attempt}`)
          await context.addOutput(attempt)
          if (attempt === 1) throw Object.assign(new Error('again'), { code: 'E1' })
        },
      },
      { queue, workerId: 'w', onError: () => {} },
    )
    await watching
    expect(said(events)).toEqual([
      ['status', { status: 'pending' }],
      ['status', { status: 'running', from: 'pending', attempt: 1, worker_id: 'w' }],
      ['progress', { progress: 0.25, message: 'try 1' }],
      ['output', 1],
      ['status', { status: 'pending', from: 'running', attempt: 1, error: { code: 'E1', message: 'again' } }],
      ['status', { status: 'running', from: 'pending', attempt: 2, worker_id: 'w' }],
      ['progress', { progress: 0.5, message: 'try 2' }],
      ['output', 2],
      ['status', { status: 'completed', from: 'running', attempt: 2 }],
    ])
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    await setJobEvents(test.db, { isOn: false })
  })

  it('adds nothing of its own to an event that says that another attempt began', async () => {
    await setJobEvents(test.db, { isOn: true })
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'a', queue, backoffSeconds: 0 })
    const { events, watching } = watch({ id, pollMilliseconds: 10 })
    for (const attempt of [1, 2]) {
      const [job] = await claim(test.db, { queue, workerId: 'w' })
      if (job === undefined) throw new Error('nothing to claim')
      await expect.poll(() => events.at(-1)?.data).toMatchObject({ status: 'running', attempt })
      // Several looks of the watcher.
      await sleep(60)
      if (attempt === 1) {
        await reportProgress(test.db, { ...job, progress: 0.25, message: 'begun' })
        await fail(test.db, { ...job, error: new Error('again'), retryInSeconds: 0 })
      } else await complete(test.db, job)
    }
    await watching
    await setJobEvents(test.db, { isOn: false })
    expect(events.map(({ seq, kind }) => [seq, kind])).toEqual(
      ['status', 'status', 'progress', 'status', 'status', 'status'].map((kind, at) => [at + 1, kind]),
    )
  })

  it('keeps the latest thousand events, and none of a job that is pruned', async () => {
    const job = await running(test.db)
    for (let n = 1; n <= 1010; n += 1) await addJobOutput(test.db, { ...job, output: n })
    await saveCheckpoint(test.db, { ...job, state: 1 })
    const kept = await queryRows(
      test.db,
      sql`SELECT min(seq) AS first, count(*) AS events FROM job_events WHERE job_id = ${job.id}`,
    )
    expect(kept.map(({ first, events }) => [Number(first), Number(events)])).toEqual([[11, 1000]])
    await complete(test.db, job)
    await prune(test.db, { olderThan: 0, batch: 10_000 })
    const left = await queryRows(
      test.db,
      sql`SELECT job_id FROM job_events WHERE job_id = ${job.id} UNION ALL SELECT job_id FROM job_checkpoints WHERE job_id = ${job.id}`,
    )
    expect(left).toEqual([])
  })

  it('belongs to whoever holds the lease', async () => {
    const job = await running(test.db)
    const stale = { id: job.id, leaseToken: job.leaseToken - 1 }
    expect(await addJobOutput(test.db, { ...stale, output: 1 })).toBe('stale_lease')
    expect(await saveCheckpoint(test.db, { ...stale, state: 1 })).toBe('stale_lease')
    expect(await addJobOutput(test.db, { id: 'nobody', leaseToken: 1, output: 1 })).toBe('not_found')
    await expect(addJobOutput(test.db, { ...job, output: 'x'.repeat(65_536) })).rejects.toThrow(
      /at most 65536 bytes/,
    )
    await expect(addJobOutput(test.db, { ...job, output: { a: ['\0'] } })).rejects.toThrow(
      /output.a\[0\] has a NUL/,
    )
    await expect(watchJob(test.db, { id: 'nobody' }).next()).rejects.toThrow(NotFoundError)
    await expect(watchJob(test.db, { id: job.id, pollMilliseconds: 0 }).next()).rejects.toThrow(
      /pollMilliseconds must be from 10/,
    )
    const until = AbortSignal.timeout(100)
    const events: JobEvent[] = []
    for await (const event of watchJob(test.db, { id: job.id, signal: until })) events.push(event)
    expect(said(events)).toEqual([['status', { status: 'running' }]])
  })

  it('a checkpoint outlives attempts and waits', async () => {
    const queue = uniqueName()
    const { id } = await enqueue(test.db, { intent: 'long', queue, backoffSeconds: 0.01 })
    const seen: unknown[] = []
    start(
      {
        long: async (_, context) => {
          const page = (await context.getCheckpoint<number>()) ?? 0
          seen.push(page)
          await context.saveCheckpoint(page + 1)
          if (page === 0) throw new Error('in the middle')
          if (page === 1) return context.waitFor({ reason: 'approval' })
          return page
        },
      },
      { queue, onError: () => {} },
    )
    await expect.poll(() => seen).toEqual([0, 1])
    await expect.poll(async () => (await read(test.db, id)).waitReason).toBe('approval')
    const { waitId } = await read(test.db, id)
    expect(await approve(test.db, { id, waitId: waitId ?? '' })).toBe('ok')
    expect(await waitForJob(test.db, { id, timeout: 20 })).toMatchObject({ status: 'completed', result: 2 })
    expect(await getCheckpoint(test.db, { id })).toBe(3)
    expect(await getCheckpoint(test.db, { id: 'nobody' })).toBeUndefined()
  })
})

describeOnServer('watching over a lost connection', (test) => {
  it('misses nothing, and listens again', async () => {
    await setJobEvents(test.db, { isOn: true })
    const job = await running(test.db, {}, 600)
    const { db } = await test.connectAgain(2)
    const outputs: unknown[] = []
    const options = { id: job.id, isListening: true, pollMilliseconds: 60_000 }
    const watching = (async () => {
      for await (const { kind, data } of watchJob(db, options)) if (kind === 'output') outputs.push(data)
    })()
    for (let n = 1; n <= 5; n += 1) {
      await addJobOutput(test.db, { ...job, output: n })
      await expect.poll(() => outputs.at(-1), { timeout: 10_000 }).toBe(n)
      await test.db.execute(
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      )
    }
    await complete(test.db, job)
    await watching
    expect(outputs).toEqual([1, 2, 3, 4, 5])
  })
})
