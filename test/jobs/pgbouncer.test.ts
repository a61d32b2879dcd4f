import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Connection, connect } from '../../src/database/connect.ts'
import * as opa from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'

const { claim, complete, enqueue, enqueueMany, heartbeat, queueStats, waitForJob, work } = opa

const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0

describeOnServer('jobs through PgBouncer in transaction mode', (test) => {
  let bouncer: ChildProcess | undefined
  let folder = ''
  let connection: Connection | undefined

  beforeAll(async () => {
    if (!hasPgBouncer) return
    const { hostname, port, username, password, pathname } = new URL(test.url)
    const listen = await freePort()
    folder = mkdtempSync(join(tmpdir(), 'opa-db-pgbouncer-'))
    const config = join(folder, 'pgbouncer.ini')
    writeFileSync(
      config,
      `[databases]
* = host=${hostname} port=${port || 5432} user=${decodeURIComponent(username)} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
`,
    )
    spawnSync('chmod', ['-R', 'a+rX', folder])
    // PgBouncer refuses to be root.
    const asWhom = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    bouncer = spawn('pgbouncer', [...asWhom, config], { stdio: 'ignore' })
    const url = `postgres://anyone@127.0.0.1:${listen}${pathname}`
    connection = await connect({ kind: 'server', url }, { maxConnections: 20, prepare: false })
    for (let n = 0; n < 50; n += 1) {
      try {
        await connection.db.execute('SELECT 1')
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    throw new Error('PgBouncer did not start')
  })

  afterAll(async () => {
    await connection?.close()
    bouncer?.kill()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  it.skipIf(!hasPgBouncer)(
    'are claimed once each, kept alive and settled by twenty clients over three connections',
    async () => {
      const db = connection?.db
      if (db === undefined) throw new Error('expected a connection')
      const jobs = Array.from({ length: 400 }, () => ({ intent: 'a', queue: 'bounced' }))
      await enqueueMany(db, { jobs })
      const taken: string[] = []
      await Promise.all(
        Array.from({ length: 20 }, async (_, worker) => {
          for (;;) {
            const found = await claim(db, { queue: 'bounced', workerId: `w${worker}`, limit: 3 })
            if (found.length === 0) return
            const states = await heartbeat(db, { leases: found })
            expect(states.every(({ state }) => state === 'held')).toBe(true)
            for (const { id, leaseToken } of found) expect(await complete(db, { id, leaseToken })).toBe('ok')
            taken.push(...found.map(({ id }) => id))
          }
        }),
      )
      expect(taken).toHaveLength(400)
      expect(new Set(taken).size).toBe(400)
      expect(await queueStats(db, { queue: 'bounced' })).toMatchObject([{ completed: 400, running: 0 }])
      const worker = work(db, { b: () => 'done' }, { queue: 'looped' })
      const accepted = await enqueueMany(db, {
        jobs: Array.from({ length: 50 }, () => ({ intent: 'b', queue: 'looped' })),
      })
      for (const { id } of accepted)
        expect(await waitForJob(db, { id })).toMatchObject({ status: 'completed', result: 'done' })
      await worker.stop()
    },
  )

  it.skipIf(!hasPgBouncer)('have every operation', async () => {
    const db = connection?.db
    if (db === undefined) throw new Error('expected a connection')
    const queue = 'every'
    const workerId = 'w'
    const claimed = async () => {
      const [lease] = await claim(db, { queue, workerId, columns: [] })
      if (lease === undefined) throw new Error('expected a job')
      return lease
    }
    const take = async (intent: string, options: Partial<opa.EnqueueOptions> = {}) => {
      const { id } = await db.transaction((tx) => enqueue(tx, { intent, queue, ...options }))
      const lease = await claimed()
      expect(lease.id).toBe(id)
      return lease
    }

    const told = await take('told')
    expect(await opa.reportProgress(db, { ...told, progress: 0.5 })).toBe('ok')
    expect(await opa.addUsage(db, { ...told, model: 'm', inputTokens: 1, outputTokens: 2, cost: 0.1 })).toBe(
      'ok',
    )
    const { id: next } = await enqueue(db, { intent: 'next', queue })
    const joined = await opa.completeAndClaim(db, { ...told, queue, workerId, columns: ['intent'] })
    expect(joined).toMatchObject({ outcome: 'ok', jobs: [{ id: next, intent: 'next' }] })
    expect(await opa.completeMany(db, { jobs: joined.jobs })).toEqual([{ id: next, outcome: 'ok' }])

    const failed = await take('failed', { maxAttempts: 1 })
    expect(await opa.fail(db, { ...failed, error: { code: 'no', message: 'no' } })).toBe('ok')
    expect(await opa.retry(db, { id: failed.id })).toBe('ok')
    const again = await claimed()
    expect(await opa.release(db, again)).toBe('ok')
    const third = await claimed()
    expect(await opa.snooze(db, { ...third, delaySeconds: 3600 })).toBe('ok')
    expect(await opa.cancel(db, { id: failed.id })).toBe('cancelled')

    const asking = await take('asking')
    const waits = async (...options: Parameters<typeof opa.waitFor>) => {
      const { outcome, waitId } = await opa.waitFor(...options)
      expect(outcome).toBe('ok')
      return { id: options[1].id, waitId: waitId ?? '' }
    }
    const question = await waits(db, { ...asking, reason: 'approval', requiredAction: { question: '?' } })
    expect(await opa.approve(db, { ...question, by: 'Mara' })).toBe('ok')
    const approved = await claimed()
    const input = await waits(db, { ...approved, reason: 'input' })
    expect(await opa.resume(db, { ...input, response: { n: 1 } })).toBe('ok')
    const resumed = await claimed()
    const child = await enqueue(db, { intent: 'child', queue, parentId: asking.id })
    await waits(db, { ...resumed, reason: 'children' })
    expect(await opa.jobTree(db, { id: asking.id })).toHaveLength(2)
    const born = await claimed()
    expect(born.id).toBe(child.id)
    expect(await complete(db, born)).toBe('ok')
    const parent = await claimed()
    expect(parent.id).toBe(asking.id)
    const last = await waits(db, { ...parent, reason: 'approval' })
    expect(await opa.reject(db, { ...last, by: 'Mara' })).toBe('ok')

    const lost = await take('lost')
    expect(await heartbeat(db, { leases: [lost], leaseSeconds: 60 })).toMatchObject([{ state: 'held' }])
    expect(await opa.takeBackExpired(db, { queue })).toBe(0)
    expect(await opa.stuckJobs(db, { queue, longerThan: '0 seconds' })).toMatchObject([{ id: lost.id }])
    expect(await complete(db, lost)).toBe('ok')
    expect(await opa.getJob(db, { id: lost.id })).toMatchObject({ status: 'completed' })
    expect((await opa.jobAttempts(db, { id: asking.id })).length).toBe(4)
    expect((await opa.listJobs(db, { queue })).items).toHaveLength(6)
    expect((await opa.latencyStats(db, { queue })).length).toBeGreaterThan(0)
    expect(await opa.usageStats(db, { queue })).toMatchObject([{ model: 'm', inputTokens: 1 }])
    expect(await queueStats(db, { queue })).toMatchObject([{ completed: 4, failed: 1, cancelled: 1 }])
    // The parent has a child, which goes first.
    expect(await opa.prune(db, { olderThan: '0 seconds', queue })).toBe(5)
    expect(await opa.prune(db, { olderThan: '0 seconds', queue })).toBe(1)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
