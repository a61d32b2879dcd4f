import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PostgreSqlContainer, type StartedPostgreSqlContainer } from '@testcontainers/postgresql'
import { sql } from 'drizzle-orm'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, describe, expect, it } from 'vitest'
import { queryRows, type Row } from '../../src/database/rows.ts'
import { enqueueMany, migrate, putSchedule } from '../../src/index.ts'
import { approveAll, tickSchedule } from './tree-handlers.ts'

const hasDocker = await getContainerRuntimeClient().then(
  () => true,
  () => false,
)
const scripts = ['crash-worker.ts', 'crash-orchestrator.ts'].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const rounds = Number(process.env.CRASH_ROUNDS ?? 3)

interface Worker {
  readonly child: ChildProcess
  readonly script: string | undefined
  /** The end of what it wrote to standard error. */
  complaint: string
}

describe.skipIf(!hasDocker)('eight workers that are killed, on a server that is killed', () => {
  let container: StartedPostgreSqlContainer | undefined
  let db: PostgresJsDatabase
  let close = async () => {}
  const workers: Worker[] = []
  /** What a worker was told: job id, lease token, what it asked for, the answer. */
  const acknowledged: [string, number, string, string][] = []
  let started = 0

  function startWorker(url: string, script: string | undefined): void {
    started += 1
    const args = ['--import', 'tsx', script ?? '', url, `worker-${started}`]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const worker: Worker = { child, script, complaint: '' }
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.endsWith(']')) acknowledged.push(JSON.parse(line))
    })
    child.stderr.on('data', (data) => {
      worker.complaint = `${worker.complaint}${data}`.slice(-4000)
    })
    workers.push(worker)
  }

  /** Kills the worker, and gives what it ran. */
  function killWorker(at: number): string | undefined {
    const [worker] = workers.splice(at, 1)
    worker?.child.kill('SIGKILL')
    return worker?.script
  }

  /** Tries until the server is back. */
  async function insist<T>(act: () => Promise<T>): Promise<T> {
    for (let n = 0; ; n += 1) {
      try {
        return await act()
      } catch (error) {
        if (n === 100) throw error
        await sleep(200)
      }
    }
  }

  afterAll(async () => {
    while (workers.length > 0) killWorker(0)
    await close()
    await container?.stop()
  })

  it('end every job exactly once, lose nothing that was acknowledged, and leave none stuck', async () => {
    acknowledged.length = 0
    const port = await freePort()
    container = await new PostgreSqlContainer(process.env.OPA_TEST_POSTGRES_IMAGE || 'pgvector/pgvector:pg17')
      .withExposedPorts({ container: 5432, host: port })
      .withCommand(['-c', 'max_connections=100', '-c', 'synchronous_commit=on'])
      .start()
    const url = container.getConnectionUri()
    const client = postgres(url, { max: 2, connect_timeout: 2, backoff: () => 0.2, onnotice: () => {} })
    close = () => client.end({ timeout: 2 })
    db = drizzle({ client })
    await migrate(db)
    for (let n = 0; n < 8; n += 1) startWorker(url, scripts[n % 4 === 3 ? 1 : 0])

    await putSchedule(db, tickSchedule)
    let approving = true
    const approvals = (async () => {
      while (approving) {
        // The server is killed meanwhile.
        await approveAll(db).catch(() => {})
        await sleep(100)
      }
    })()

    const accepted: string[] = []
    const accept = async () => {
      const parent = { intent: 'parent', queue: 'trees', maxAttempts: 1000, backoffSeconds: 0.1 }
      accepted.push(...(await enqueueMany(db, { jobs: [parent] })).map(({ id }) => id))
      const jobs = Array.from({ length: 25 }, () => ({
        intent: 'a',
        queue: 'crash',
        maxAttempts: 1000,
        priority: Math.floor(Math.random() * 3),
      }))
      accepted.push(...(await enqueueMany(db, { jobs })).map(({ id }) => id))
    }
    for (let round = 0; round < rounds; round += 1) {
      for (let step = 0; step < 12; step += 1) {
        await accept().catch(() => {})
        await sleep(250)
        if (step % 2 === 0) {
          startWorker(url, killWorker(Math.floor(Math.random() * workers.length)))
        }
        if (step % 4 === 1) {
          await db
            .execute(
              sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND random() < 0.7`,
            )
            .catch(() => {})
        }
      }
      // SIGKILL for the whole server, and up again.
      await container.restart({ timeout: 0 })
      await insist(accept)
    }

    const unfinished = () =>
      queryRows(
        db,
        sql`SELECT intent, status, count(*)::integer AS jobs FROM jobs
          WHERE completed_at IS NULL AND intent <> 'tick' GROUP BY intent, status ORDER BY intent, status`,
      )
    // However slow the machine is: stuck is what does not become less for 40 s, far more than any lease or backoff here.
    let fewest = Number.POSITIVE_INFINITY
    for (let since = Date.now(); Date.now() - since < 40_000; await sleep(500)) {
      const left = (await insist(unfinished)).reduce((sum, { jobs }) => sum + Number(jobs), 0)
      if (left < fewest) [fewest, since] = [left, Date.now()]
      if (left === 0) break
    }
    expect(workers.filter(({ child }) => child.exitCode !== null).map(({ complaint }) => complaint)).toEqual(
      [],
    )
    expect(await unfinished()).toEqual([])
    approving = false
    await approvals
    while (workers.length > 0) killWorker(0)

    const trees = await queryRows(
      db,
      sql`SELECT parent.status, parent.result::text AS result, count(child.id) AS children,
        count(child.id) FILTER (WHERE child.status = 'completed') AS completed
        FROM jobs AS parent LEFT JOIN jobs AS child ON child.parent_id = parent.id
        WHERE parent.intent = 'parent' GROUP BY parent.id`,
    )
    expect(trees.length).toBeGreaterThan(0)
    for (const { status, result, children, completed } of trees) {
      expect([status, Number(children), Number(completed)]).toEqual(['completed', 3, 3])
      expect(JSON.parse(String(result))).toMatchObject({
        legs: [1, 2, 3],
        answer: { approved: true, by: 'Mara' },
      })
    }
    // Every second has its slot, once, through all of it.
    const slots = (
      await queryRows(db, sql`SELECT metadata ->> 'slot' AS slot FROM jobs WHERE intent = 'tick' ORDER BY 1`)
    ).map(({ slot }) => Date.parse(String(slot)))
    expect(slots.length).toBeGreaterThan(5)
    expect(slots).toEqual(slots.map((_, at) => (slots[0] ?? 0) + at * 1000))

    const jobs = await queryRows(
      db,
      sql`SELECT id, status, lease_token, result ->> 'leaseToken' AS result_token, result ->> 'workerId' AS result_worker, worker_id FROM jobs WHERE queue = 'crash'`,
    )
    const attempts = await queryRows(
      db,
      sql`SELECT job_id, lease_token, outcome, worker_id FROM job_attempts ORDER BY job_id, lease_token`,
    )
    const known = new Set((await queryRows(db, sql`SELECT id FROM jobs`)).map(({ id }) => String(id)))
    expect(accepted.filter((id) => !known.has(id))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(accepted.length / 2)

    const attemptsOf = new Map<string, Row[]>()
    for (const attempt of attempts)
      attemptsOf.set(String(attempt.job_id), [...(attemptsOf.get(String(attempt.job_id)) ?? []), attempt])
    for (const job of jobs) {
      const leases = attemptsOf.get(String(job.id)) ?? []
      // Each lease has ended exactly once, and the last one, and only that, by completion; the result is of its holder.
      const tokens = leases.map(({ lease_token }) => Number(lease_token))
      expect(new Set(tokens).size).toBe(tokens.length)
      expect(tokens.at(-1)).toBe(Number(job.lease_token))
      expect(leases.map(({ outcome }) => outcome).lastIndexOf('completed')).toBe(leases.length - 1)
      expect(leases.filter(({ outcome }) => outcome === 'completed')).toHaveLength(1)
      expect(job).toMatchObject({
        status: 'completed',
        result_token: String(job.lease_token),
        result_worker: job.worker_id,
      })
    }
    for (const [id, leaseToken, asked, answer] of acknowledged) {
      const recorded = attemptsOf.get(id)?.find(({ lease_token }) => Number(lease_token) === leaseToken)
      if (answer === 'ok') expect(recorded?.outcome).toBe(asked)
      else expect(answer).toBe('stale_lease')
    }
  }, 300_000)
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
