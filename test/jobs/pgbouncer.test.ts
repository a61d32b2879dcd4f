import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Connection, connect } from '../../src/database/connect.ts'
import { claim, complete, enqueueMany, heartbeat, queueStats, waitForJob, work } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'

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
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
