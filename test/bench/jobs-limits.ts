/**
 * `npm run bench -- jobs-limits`: claim + complete in batches with and without limits by key, with and without events, and of
 * one intent beside `--rows` (1,000,000) jobs of another: each beside the plain case, in turn, one session.
 */
import { sql } from 'drizzle-orm'
import { queryRows } from '../../src/database/rows.ts'
import {
  claim,
  completeMany,
  connect,
  type Database,
  enqueueMany,
  setJobEvents,
  setJobLimit,
} from '../../src/index.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, printMachine } from './machine.ts'
import { printTable, resultFile, rounded, timed, withBar, writeResult } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const jobs = 4000
const batch = 500
const keys = 1000
const rounds = 9

interface Case {
  readonly name: string
  readonly queue: string
  /** The key of the n-th job; none: no limit counts. */
  readonly key?: (n: number) => string
  readonly intents?: readonly string[]
  prepare?(db: Database): Promise<void>
  restore?(db: Database): Promise<void>
}

const keyed = (n: number) => `tenant-${n % keys}`

function cases(others: number): Case[] {
  return [
    { name: 'without limits', queue: 'plain' },
    { name: 'with keys, but without a limit', queue: 'keyed', key: keyed },
    {
      name: `at most 4 running for each of ${keys} keys`,
      queue: 'limited',
      key: keyed,
      prepare: (db) => setJobLimit(db, { queue: 'limited', key: '*', maxRunning: 4 }),
    },
    {
      name: `a rate for each of ${keys} keys`,
      queue: 'rated',
      key: keyed,
      prepare: (db) =>
        setJobLimit(db, { queue: 'rated', key: '*', rate: { limit: 1000, period: 1, burst: 1000 } }),
    },
    {
      name: 'with events of every change',
      queue: 'events',
      prepare: (db) => setJobEvents(db, { isOn: true }),
      restore: (db) => setJobEvents(db, { isOn: false }),
    },
    {
      name: `of one intent beside ${others} jobs of another`,
      queue: 'crowded',
      intents: ['task'],
      prepare: (db) => fillOthers(db, others),
    },
  ]
}

async function fillOthers(db: Database, others: number): Promise<void> {
  const [row] = await queryRows(db, sql`SELECT EXISTS (SELECT FROM jobs WHERE intent = 'other') AS is_full`)
  if (row?.is_full === true) return
  await db.execute(sql`
    INSERT INTO jobs (queue, intent, priority) SELECT 'crowded', 'other', 5 FROM generate_series(1, ${others}::integer)`)
  await db.execute(sql`VACUUM ANALYZE jobs`)
}

export async function run({ rows, out }: BenchOptions): Promise<void> {
  const others = rows?.at(-1) ?? 1_000_000
  const results = await withBenchDatabase(async ({ url }) => {
    const { db, close } = await connect({ kind: 'server', url }, { maxConnections: 1 })
    try {
      const machine = await describeMachine(db)
      printMachine(machine)
      const all = cases(others)
      const times = all.map(() => [] as number[])
      await withBar(`${rounds} rounds of ${all.length} cases`, rounds * all.length, async (update) => {
        for (let round = -1; round < rounds; round++) {
          for (const [at, each] of all.entries()) {
            await each.prepare?.(db)
            const milliseconds = await settle(db, each)
            await each.restore?.(db)
            // The first is not counted: plans and caches.
            if (round >= 0) times[at]?.push(milliseconds / jobs)
            update(Math.max(0, round * all.length + at + 1))
          }
        }
      })
      const [plain = []] = times
      const middle = (values: number[]) =>
        rounded([...values].sort((one, other) => one - other)[values.length >> 1] ?? 0)
      const measured = all.map(({ name }, at) => ({
        name,
        microseconds: middle((times[at] ?? []).map((value) => value * 1000)),
        speed: middle((times[at] ?? []).map((value, round) => (plain[round] ?? 0) / value)),
      }))
      return { machine, jobs, batch, keys, rounds, others, measured }
    } finally {
      await close()
    }
  })
  printTable(
    ['claim + complete, 500 at a time', 'µs a job', 'times the speed without'],
    results.measured.map(({ name, microseconds, speed }) => [name, microseconds, speed]),
  )
  writeResult(out ?? resultFile('jobs-limits', 'json'), `${JSON.stringify(results, null, 2)}\n`)
}

/** Enqueues jobs, and gives the milliseconds that claiming and completing all of them takes. */
async function settle(db: Database, { queue, key, intents }: Case): Promise<number> {
  for (let from = 0; from < jobs; from += 2000) {
    await enqueueMany(db, {
      jobs: Array.from({ length: 2000 }, (_, at) => ({
        intent: 'task',
        queue,
        ...(key && { limitKey: key(from + at) }),
      })),
    })
  }
  await db.execute(sql`ANALYZE jobs`)
  const { milliseconds } = await timed(async () => {
    let left = jobs
    while (left > 0) {
      const claimed = await claim(db, {
        queue,
        workerId: 'w',
        limit: batch,
        columns: ['intent', 'inputs'],
        ...(intents && { intents }),
      })
      if (claimed.length === 0) throw new Error(`${queue}: ${left} jobs were not claimed`)
      await completeMany(db, { jobs: claimed.map(({ id, leaseToken }) => ({ id, leaseToken })) })
      left -= claimed.length
    }
  })
  return milliseconds
}
