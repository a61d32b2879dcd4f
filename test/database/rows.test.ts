import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { expect, it, onTestFinished } from 'vitest'
import { promisedRows, rowsOf } from '../../src/database/rows.ts'
import {
  addUsage,
  approve,
  bm25Score,
  bm25Search,
  cancel,
  claim,
  complete,
  completeAndClaim,
  completeMany,
  type Database,
  DatabaseError,
  enqueue,
  enqueueMany,
  explainSearch,
  fail,
  foldSearchStatistics,
  forget,
  getJob,
  getMemory,
  heartbeat,
  highlight,
  hybridSearch,
  type Job,
  jobAttempts,
  jobTree,
  latencyStats,
  listJobs,
  listMemories,
  migrate,
  prune,
  pruneExpired,
  queueStats,
  recall,
  release,
  remember,
  rememberMany,
  reportProgress,
  retry,
  snooze,
  stuckJobs,
  takeBackExpired,
  usageStats,
  vectorIndexHealth,
  vectorSearch,
  waitFor,
  waitForJob,
  work,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

/** Fails after four rows: postgres.js then gives the next result of the connection four holes at its beginning. */
async function failAmidRows(db: Database): Promise<void> {
  await db.execute(sql`SELECT 1 / (5 - i) FROM generate_series(1, 10) AS i`).then(
    () => expect.unreachable(),
    () => {},
  )
}

describeOnServer('after a query that failed amid its rows', (server) => {
  it('the driver leaves holes, of which rowsOf leaves none', async () => {
    const { db } = await server.connectAgain(1)
    await failAmidRows(db)
    const result: unknown = await db.execute(sql`SELECT 1 AS one`)
    expect(result).toHaveLength(5)
    expect(rowsOf(result)).toEqual([{ one: 1 }])
    expect(() => promisedRows([{}, {}], 1)).toThrow(DatabaseError)
  })

  it('every helper gives what it gives otherwise', async () => {
    const { db } = await server.connectAgain(1)
    const after = async <T>(helper: () => Promise<T>): Promise<T> => {
      await failAmidRows(db)
      return helper()
    }
    const queue = 'holes'
    const workerId = 'w'
    const intent = 'x'

    // Memories.
    const memory = { id: 'm1', text: 'green tea', embedding: embedding(1) }
    expect(await after(() => remember(db, memory))).toEqual({ id: 'm1', created: true })
    const items = [memory, { id: 'm2', text: 'black tea' }]
    expect(await after(() => rememberMany(db, { items }))).toEqual([
      { id: 'm1', created: false },
      { id: 'm2', created: true },
    ])
    expect(await after(() => getMemory(db, { id: 'm1' }))).toMatchObject({ text: 'green tea' })
    expect(idsOf((await after(() => listMemories(db))).items).sort()).toEqual(['m1', 'm2'])
    expect(idsOf(await after(() => bm25Search(db, { queryText: 'green' })))).toEqual(['m1'])
    const asked = { queryText: 'tea', queryEmbedding: embedding(1) }
    expect(idsOf(await after(() => vectorSearch(db, asked)))).toEqual(['m1'])
    expect(idsOf(await after(() => hybridSearch(db, asked)))).toEqual(['m1', 'm2'])
    expect(await after(() => recall(db, { question: 'tea' }))).toHaveLength(2)
    expect(await after(() => bm25Score(db, { queryText: 'tea', docText: 'tea' }))).toBeGreaterThan(0)
    expect(await after(() => highlight(db, { text: 'tea', queryText: 'tea' }))).toContain('tea')
    expect((await after(() => explainSearch(db, { queryText: 'tea' }))).results).toHaveLength(2)
    expect(await after(() => foldSearchStatistics(db))).toBeGreaterThanOrEqual(0)
    expect(await after(() => vectorIndexHealth(db))).toHaveProperty('method')
    expect(await after(() => pruneExpired(db))).toBe(0)
    expect(await after(() => forget(db, { ids: ['m1', 'm2'] }))).toHaveLength(2)

    // Jobs.
    const first = await after(() => enqueue(db, { intent, queue, id: 'j0' }))
    expect(first).toEqual({ id: 'j0', status: 'pending', created: true })
    const many = Array.from({ length: 20 }, (_, at) => ({ intent, queue, id: `j${at + 1}` }))
    expect(idsOf(await after(() => enqueueMany(db, { jobs: many })))).toEqual(idsOf(many))
    const jobs = await after(() => claim(db, { queue, workerId, limit: 15 }))
    expect(jobs).toHaveLength(15)
    const lease = () => jobs.shift() as Job
    const lost = { id: 'nobody', leaseToken: 1 }
    const leases = [lost, ...jobs]
    const states = await after(() => heartbeat(db, { leases }))
    expect(states.map(({ id, state }) => [id, state])).toEqual([
      ['nobody', 'lost'],
      ...jobs.map(({ id }) => [id, 'held']),
    ])
    const usage = { ...(jobs[0] as Job), model: 'm', inputTokens: 1, outputTokens: 1, cost: 1 }
    expect(await after(() => addUsage(db, usage))).toBe('ok')
    expect(await after(() => reportProgress(db, { ...(jobs[0] as Job), progress: 0.5 }))).toBe('ok')
    expect(await after(() => getJob(db, { id: 'j0' }))).toMatchObject({ id: 'j0' })
    expect(await after(() => complete(db, lease()))).toBe('ok')
    expect(await after(() => completeMany(db, { jobs: [lost, lease(), lease()] }))).toMatchObject([
      { id: 'nobody', outcome: 'not_found' },
      { outcome: 'ok' },
      { outcome: 'ok' },
    ])
    const next = await after(() => completeAndClaim(db, { ...lease(), result: 1, queue, workerId }))
    expect(next).toMatchObject({ outcome: 'ok', jobs: [{ intent }] })
    const failed = lease()
    expect(await after(() => fail(db, { ...failed, error: new Error('no'), retryable: false }))).toBe('ok')
    expect(await after(() => retry(db, { id: failed.id }))).toBe('ok')
    expect(await after(() => release(db, lease()))).toBe('ok')
    expect(await after(() => snooze(db, { ...lease(), delaySeconds: 60 }))).toBe('ok')
    const waiting = lease()
    expect(
      await after(() => waitFor(db, { id: waiting.id, leaseToken: waiting.leaseToken, reason: 'approval' })),
    ).toMatchObject({ outcome: 'ok' })
    expect(await after(() => cancel(db, { id: lease().id }))).not.toBe('not_found')
    expect(await after(() => takeBackExpired(db, { queue }))).toBe(0)
    expect((await after(() => listJobs(db, { queue }))).items).toHaveLength(21)
    expect(await after(() => jobTree(db, { id: 'j0' }))).toHaveLength(1)
    expect((await after(() => jobAttempts(db, { id: 'j0' }))).length).toBeLessThanOrEqual(1)
    expect(await after(() => queueStats(db))).toMatchObject([{ queue }])
    expect(await after(() => latencyStats(db))).not.toHaveLength(0)
    expect(await after(() => usageStats(db))).toHaveLength(1)
    expect(await after(() => stuckJobs(db))).toEqual([])
    expect(await after(() => approve(db, { id: 'nobody', waitId: 'none' }))).toBe('not_found')
    const done = await after(() => waitForJob(db, { id: 'j0', timeout: 5 }))
    expect(done).toMatchObject({ id: 'j0', status: 'completed' })
    expect(await after(() => prune(db, { queue, olderThan: 0 }))).toBeGreaterThan(0)
    expect((await after(() => migrate(db))).applied).toEqual([])
  })

  it('a worker loses none of 40 jobs', async () => {
    const { db } = await server.connectAgain(1)
    const queue = 'forty'
    const jobs = Array.from({ length: 40 }, (_, at) => ({ intent: 'x', queue, id: `forty-${at}` }))
    await enqueueMany(db, { jobs })
    const handled: string[] = []
    const worker = work(
      db,
      {
        x: async (job) => {
          handled.push(job.id)
          await failAmidRows(db)
        },
      },
      { queue, concurrency: 7, onError: (error) => expect.unreachable(String(error)) },
    )
    onTestFinished(() => worker.stop())
    await expect
      .poll(() => listJobs(db, { queue, statuses: ['completed'] }).then(({ items }) => items.length), {
        timeout: 30_000,
      })
      .toBe(40)
    expect(handled.sort()).toEqual(idsOf(jobs).sort())
  })

  it('an answer that lacks a promised row is an error', async () => {
    const { db } = await server.connectAgain(1)
    const incomplete = new Proxy(db, {
      get: (target, key) => (key === 'execute' ? async () => [] : Reflect.get(target, key, target)),
    })
    await expectRefusal(
      bm25Score(incomplete, { queryText: 'x', docText: 'x' }),
      DatabaseError,
      'expected 1 row',
    )
  })
})

it('every query that Drizzle builds in the sources gives its rows through builtRows', () => {
  const source = join(import.meta.dirname, '../../src')
  // replicas.ts asks a builder for its session and runs nothing.
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && name !== 'database/replicas.ts',
  )
  const bare = files.flatMap((name) => {
    const code = readFileSync(join(source, name), 'utf8').replace(/^\s*(\/?\*|\/\/).*$/gm, '')
    return [...code.matchAll(/\.(select|selectDistinct|returning)\(/g)]
      .filter(({ index }) => !code.slice(Math.max(0, index - 260), index).includes('builtRows('))
      .map(({ index }) => `${name}: ${code.slice(index, index + 60)}`)
  })
  expect(bare).toEqual([])
})
