import { sql } from 'drizzle-orm'
import { queryRows } from '../../src/database/rows.ts'
import {
  claim,
  complete,
  completeMany,
  connect,
  type Database,
  enqueueMany,
  heartbeat,
} from '../../src/index.ts'
import type { BenchOptions } from './bench.ts'
import { measureSteadyLoad, type SteadyLoad } from './jobs-steady.ts'
import { describeMachine, printMachine } from './machine.ts'
import { type Chart, page } from './plot.ts'
import { latency, printTable, resultFile, rounded, timed, writeResult } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const claimedBesideReport = 40_000

/**
 * `npm run bench -- jobs-load`: claims with a long history (`--rows`, a million by default) and 100,000 future jobs of a
 * higher priority, or with 40,000 claimed beside an open transaction, against an empty table; heartbeats, and how many of
 * them are HOT updates; an hour of steady load.
 */
export async function run({ rows, out }: BenchOptions): Promise<void> {
  const history = rows?.at(-1) ?? 1_000_000
  const steady = await withBenchDatabase(async ({ url }) => {
    const { db, close } = await connect({ kind: 'server', url }, { maxConnections: 1 })
    return measureSteadyLoad(db).finally(close)
  })
  const { machine, empty, full, heartbeats } = await withBenchDatabase(async ({ db }) => {
    const machine = await describeMachine(db)
    const empty = await claimLatency(db, 'empty')
    const heartbeats = await measureHeartbeats(db)
    await fillHistory(db, history)
    return { machine, empty, full: await claimLatency(db, 'full'), heartbeats }
  })
  const report = await withBenchDatabase(({ url }) => claimLatencyBesideReport(url))
  const result = { machine, history, claim: { empty, full, report }, heartbeats, steady }
  printMachine(machine)
  printTable(
    ['claim, ms', 'mean', 'p50', 'p95'],
    Object.entries({
      'empty table': empty,
      [`${history} finished, 100000 future`]: full,
      [`${claimedBesideReport} claimed beside an open transaction`]: report,
    }).map(([name, { mean, p50, p95 }]) => [name, mean, p50, p95]),
  )
  printTable(
    ['heartbeats', 'in a second', 'HOT'],
    [['500 leases a call', Math.round(heartbeats.perSecond), `${rounded(heartbeats.hot * 100)} %`]],
  )
  const samples = steady.samples.filter(({ minute }) => minute % 15 === 0 || minute === 5)
  printTable(
    ['steady load, minute', 'rows kept', 'dead tuples', 'table, MB', 'indexes, MB', 'bytes a row', 'vacuums'],
    samples.map(({ minute, kept, dead, tableBytes, indexBytes, vacuums }) => [
      minute,
      kept,
      dead,
      (tableBytes / 1e6).toFixed(1),
      (indexBytes / 1e6).toFixed(1),
      Math.round((tableBytes + indexBytes) / kept),
      vacuums,
    ]),
  )
  console.log(
    `${steady.heartbeats} heartbeats, ${rounded(steady.hot * 100)} % HOT; after VACUUM FULL ${Math.round(steady.compactBytes / steady.jobs)} bytes a row`,
  )
  const file = out ?? resultFile('jobs-load', 'json')
  writeResult(file, `${JSON.stringify(result, null, 2)}\n`)
  writeResult(file.replace(/(\.json)?$/, '.svg'), page('Jobs under steady load', [steadyChart(steady)]))
}

function steadyChart({ samples }: SteadyLoad): Chart {
  return {
    kind: 'lines',
    title: 'an hour of ten jobs a second',
    x: { label: 'minute' },
    y: { label: 'bytes for each row kept', from: 0 },
    series: [
      {
        name: 'table and indexes',
        points: samples
          .filter(({ minute }) => minute % 5 === 0)
          .map(({ minute, kept, tableBytes, indexBytes }) => [minute, (tableBytes + indexBytes) / kept]),
      },
    ],
  }
}

async function claimLatency(db: Database, queue: string) {
  await enqueueMany(db, { jobs: Array.from({ length: 600 }, () => ({ intent: 'task', queue: 'claims' })) })
  const times: number[] = []
  for (let n = 0; n < 600; n += 1) {
    const { result, milliseconds } = await timed(() => claim(db, { queue: 'claims', workerId: queue }))
    const [job] = result
    if (job === undefined) throw new Error('expected a job to claim')
    // Settled at once, and the first hundred only warm the plans.
    await complete(db, { id: job.id, leaseToken: job.leaseToken })
    if (n >= 100) times.push(milliseconds)
  }
  return latency(times)
}

/** Claims after many others of which no trace can be vacuumed, because a transaction keeps its snapshot. */
async function claimLatencyBesideReport(url: string) {
  const [report, worker] = await Promise.all(
    [1, 1].map((maxConnections) => connect({ kind: 'server', url }, { maxConnections })),
  )
  if (!report || !worker) throw new Error('expected two connections')
  try {
    return await report.db.transaction(
      async (transaction) => {
        await transaction.execute(sql`SELECT count(*) FROM jobs`)
        const { db } = worker
        for (let left = claimedBesideReport; left > 0; left -= 500) {
          await enqueueMany(db, {
            jobs: Array.from({ length: 500 }, () => ({ intent: 'task', queue: 'claims' })),
          })
          const jobs = await claim(db, { queue: 'claims', workerId: 'report', limit: 500 })
          await completeMany(db, { jobs: jobs.map(({ id, leaseToken }) => ({ id, leaseToken })) })
        }
        return claimLatency(db, 'report')
      },
      { isolationLevel: 'repeatable read' },
    )
  } finally {
    await Promise.all([report.close(), worker.close()])
  }
}

async function fillHistory(db: Database, history: number): Promise<void> {
  await db.execute(sql`
    INSERT INTO jobs (id, queue, intent, status, lease_token, worker_id, started_at, completed_at, created_at, run_at)
    SELECT gen_random_uuid()::text, 'claims', 'task', 'completed', 1, 'w', moment, moment, moment, moment
    FROM generate_series(1, ${sql.raw(String(history))}) AS n, LATERAL (SELECT now() - n * interval '1 second') AS at (moment)`)
  await db.execute(sql`
    INSERT INTO jobs (queue, intent, priority, run_at)
    SELECT 'claims', 'task', 1 + n % 5, now() + interval '1 day' FROM generate_series(1, 100000) AS n`)
  await db.execute(sql`VACUUM ANALYZE jobs`)
}

async function measureHeartbeats(db: Database) {
  const count = 500
  await enqueueMany(db, { jobs: Array.from({ length: count }, () => ({ intent: 'task', queue: 'beats' })) })
  const leases = await claim(db, { queue: 'beats', workerId: 'w', limit: count })
  const counters = async () => {
    await db.execute(sql`SELECT pg_stat_force_next_flush()`)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const [row] = await queryRows(
      db,
      sql`SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot, pg_relation_size('jobs') AS bytes FROM pg_stat_user_tables WHERE relname = 'jobs'`,
    )
    return { updates: Number(row?.updates), hot: Number(row?.hot), bytes: Number(row?.bytes) }
  }
  const before = await counters()
  const { milliseconds } = await timed(async () => {
    for (let n = 0; n < 100; n += 1) await heartbeat(db, { leases })
  })
  const after = await counters()
  return {
    perSecond: (count * 100 * 1000) / milliseconds,
    hot: (after.hot - before.hot) / (after.updates - before.updates),
    bytesBefore: before.bytes,
    bytesAfter: after.bytes,
  }
}
