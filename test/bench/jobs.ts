import { sql } from 'drizzle-orm'
import { queryRows } from '../../src/database/rows.ts'
import { claim, complete, type Database, enqueueMany, heartbeat } from '../../src/index.ts'
import type { BenchOptions } from './bench.ts'
import { installPeers } from './jobs-peers.ts'
import { type JobRates, measureRates } from './jobs-rates.ts'
import { describeMachine, printMachine } from './machine.ts'
import { type Chart, page } from './plot.ts'
import { latency, printTable, resultFile, rounded, timed, writeResult } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const batchJobs = 40_000
const singleJobs = 4000

/**
 * Jobs: enqueue, and claim + complete, in batches and one at a time, beside pg-boss and graphile-worker on the same
 * server in the same run; claims with a long history (`--rows`, a million by default) and 100,000 future jobs of a higher
 * priority, against an empty table; heartbeats, and how many of them are HOT updates.
 */
export async function run({ rows, out }: BenchOptions): Promise<void> {
  const history = rows?.at(-1) ?? 1_000_000
  const peers = await installPeers()
  try {
    const rates: Record<string, JobRates> = {}
    for (const name of ['opa-db', 'pg-boss', 'graphile-worker', 'opa-db again']) {
      rates[name] = await withBenchDatabase(({ url }) =>
        name.startsWith('opa-db')
          ? measureRates(url, batchJobs, singleJobs)
          : peers.measure(name, url, batchJobs, singleJobs),
      )
      console.log(name, JSON.stringify(rates[name]))
    }
    const { machine, empty, full, heartbeats } = await withBenchDatabase(async ({ db }) => {
      const machine = await describeMachine(db)
      const empty = await claimLatency(db, 'empty')
      const heartbeats = await measureHeartbeats(db)
      await fillHistory(db, history)
      return { machine, empty, full: await claimLatency(db, 'full'), heartbeats }
    })
    const result = {
      machine,
      versions: peers.versions,
      batchJobs,
      singleJobs,
      rates,
      history,
      claim: { empty, full },
      heartbeats,
    }
    printMachine(machine)
    printTable(
      [
        'jobs in a second',
        'enqueue, batches',
        'claim + complete, batches',
        'enqueue, one by one',
        'claim + complete, one by one',
      ],
      Object.entries(rates).map(([name, { batches, single }]) => [
        name,
        ...[batches.enqueue, batches.settle, single.enqueue, single.settle].map(Math.round),
      ]),
    )
    printTable(
      ['claim, ms', 'mean', 'p50', 'p95'],
      Object.entries({ 'empty table': empty, [`${history} finished, 100000 future`]: full }).map(
        ([name, { mean, p50, p95 }]) => [name, mean, p50, p95],
      ),
    )
    printTable(
      ['heartbeats', 'in a second', 'HOT'],
      [['500 leases a call', Math.round(heartbeats.perSecond), `${rounded(heartbeats.hot * 100)} %`]],
    )
    const file = out ?? resultFile('jobs', 'json')
    writeResult(file, `${JSON.stringify(result, null, 2)}\n`)
    writeResult(file.replace(/\.json$/, '.svg'), page('Jobs', charts(rates)))
  } finally {
    await peers.remove()
  }
}

function charts(rates: Readonly<Record<string, JobRates>>): Chart[] {
  const names = Object.keys(rates)
  return (['batches', 'single'] as const).map((how) => ({
    kind: 'bars',
    title: how === 'batches' ? 'batches of 500, 8 connections' : 'one by one, 8 connections',
    y: { label: 'jobs in a second' },
    groups: names,
    series: (['enqueue', 'settle'] as const).map((what) => ({
      name: what === 'enqueue' ? 'enqueue' : 'claim + complete',
      values: names.map((name) => Math.round(rates[name]?.[how][what] ?? 0)),
    })),
  }))
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
