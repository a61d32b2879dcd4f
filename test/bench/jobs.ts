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
import { installPeers, type JobCounts, type Peers } from './jobs-peers.ts'
import type { JobRates, Rate } from './jobs-rates.ts'
import { measureSteadyLoad, type SteadyLoad } from './jobs-steady.ts'
import { describeMachine, printMachine } from './machine.ts'
import { type Chart, page } from './plot.ts'
import { latency, printTable, resultFile, rounded, timed, writeResult } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const counts: JobCounts = { batchJobs: 64_000, singleJobs: 8000 }
const claimedBesideReport = 40_000
const rounds = 3
const names = ['opa-db', 'pg-boss', 'graphile-worker'] as const
type Name = (typeof names)[number]
const ways = ['batches', 'fresh', 'whole', 'large', 'single', 'joined', 'worker'] as const
type Way = (typeof ways)[number]
const wayTitles: Readonly<Record<Way, string>> = {
  batches: 'batches of 500',
  fresh: 'of 500, never analysed',
  whole: 'of 500, all columns',
  large: 'batches of 4,000',
  single: 'one by one',
  joined: 'in one call',
  worker: 'own worker, 8 at once',
}
/** What each peer is compared by: pg-boss in batches and by calls, graphile-worker in batches and by its worker. */
const compared: readonly (readonly [Name, Way, Way])[] = [
  ['pg-boss', 'batches', 'batches'],
  ['pg-boss', 'fresh', 'fresh'],
  ['pg-boss', 'whole', 'batches'],
  ['graphile-worker', 'batches', 'batches'],
  ['graphile-worker', 'fresh', 'fresh'],
  ['graphile-worker', 'large', 'large'],
  ['pg-boss', 'single', 'single'],
  ['pg-boss', 'joined', 'single'],
  ['graphile-worker', 'single', 'worker'],
  ['graphile-worker', 'joined', 'worker'],
  ['graphile-worker', 'worker', 'worker'],
]

/**
 * Jobs: enqueue, and claim + complete, in batches and one at a time, beside pg-boss and graphile-worker on the same
 * server in the same run; claims with a long history (`--rows`, a million by default) and 100,000 future jobs of a higher
 * priority, or with 40,000 claimed beside an open transaction, against an empty table; heartbeats, and how many of them are HOT updates; an hour of steady load.
 */
export async function run({ rows, out }: BenchOptions): Promise<void> {
  const history = rows?.at(-1) ?? 1_000_000
  const peers = await installPeers()
  try {
    const measured = await measureRounds(peers)
    const rates = {} as Record<Name, JobRates>
    for (const name of names) rates[name] = medianRates(measured.map((round) => round[name]))
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
    const result = {
      machine,
      versions: peers.versions,
      ...counts,
      rounds: measured,
      rates,
      history,
      claim: { empty, full, report },
      heartbeats,
      steady,
    }
    printMachine(machine)
    for (const what of ['enqueue', 'settle'] as const) {
      printTable(
        [
          `${what === 'settle' ? 'claim + complete' : what}, jobs in a second`,
          ...ways.map((way) => wayTitles[way]),
        ],
        names.map((name) => [name, ...ways.map((way) => shown(rates[name][way]?.[what], 0))]),
      )
    }
    printTable(
      ['opa-db', 'against', 'times'],
      compared.map(([peer, own, its]) => [
        wayTitles[own],
        `${peer}, ${wayTitles[its]}`,
        shown(ratio(rates['opa-db'][own], rates[peer][its]), 2),
      ]),
    )
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
      [
        'steady load, minute',
        'rows kept',
        'dead tuples',
        'table, MB',
        'indexes, MB',
        'bytes a row',
        'vacuums',
      ],
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
    const file = out ?? resultFile('jobs', 'json')
    writeResult(file, `${JSON.stringify(result, null, 2)}\n`)
    writeResult(file.replace(/\.json$/, '.svg'), page('Jobs', [...charts(rates), steadyChart(steady)]))
  } finally {
    await peers.remove()
  }
}

function ratio(own: Rate | undefined, other: Rate | undefined): number | undefined {
  return own && other && own.settle / other.settle
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits)
}

/** Every peer in turn, several times over, so that what the machine does meanwhile meets all of them. */
async function measureRounds(peers: Peers): Promise<Record<Name, JobRates>[]> {
  const all: Record<Name, JobRates>[] = []
  for (let n = 0; n < rounds; n += 1) {
    const round = {} as Record<Name, JobRates>
    for (const name of names) {
      const fresh = await withBenchDatabase(({ url }) => peers.measure(name, url, counts, 'fresh'))
      const others = await withBenchDatabase(({ url }) => peers.measure(name, url, counts))
      round[name] = { ...others, ...fresh } as JobRates
      console.log(name, JSON.stringify(round[name]))
    }
    all.push(round)
  }
  return all
}

function medianRates(all: readonly JobRates[]): JobRates {
  const median = (values: number[]) => values.sort((one, other) => one - other)[values.length >> 1] ?? 0
  const measured = ways.filter((way) => all[0]?.[way])
  const rate = (way: Way): Rate => ({
    enqueue: median(all.map((rates) => rates[way]?.enqueue ?? 0)),
    settle: median(all.map((rates) => rates[way]?.settle ?? 0)),
  })
  return Object.fromEntries(measured.map((way) => [way, rate(way)])) as unknown as JobRates
}

function charts(rates: Readonly<Record<Name, JobRates>>): Chart[] {
  return ways.map((way) => {
    const groups = names.filter((name) => rates[name][way])
    return {
      kind: 'bars',
      title: `${wayTitles[way]}, 8 connections`,
      y: { label: 'jobs in a second' },
      groups,
      series: (['enqueue', 'settle'] as const).map((what) => ({
        name: what === 'enqueue' ? 'enqueue' : 'claim + complete',
        values: groups.map((name) => Math.round(rates[name][way]?.[what] ?? 0)),
      })),
    }
  })
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
