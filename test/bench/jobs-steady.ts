import { sql } from 'drizzle-orm'
import { queryRows } from '../../src/database/rows.ts'
import { claim, completeMany, type Database, enqueueMany, heartbeat, type Lease } from '../../src/index.ts'

/** The table after a simulated minute. Bytes are of the table with its indexes. */
export interface SteadySample {
  readonly minute: number
  readonly kept: number
  readonly dead: number
  readonly tableBytes: number
  readonly indexBytes: number
  readonly vacuums: number
}

export interface SteadyLoad {
  readonly jobs: number
  readonly heartbeats: number
  /** Of the heartbeats' updates. */
  readonly hot: number
  readonly samples: readonly SteadySample[]
  /** What the same rows take after VACUUM FULL. */
  readonly compactBytes: number
}

const minutes = 60
const jobsInMinute = 600
const heartbeatsOfJob = 3
const batch = 25

/**
 * An hour of ten jobs a second, each with three heartbeats, run as fast as it goes. Time that is compressed would hide
 * autovacuum, which looks once a minute; so after each simulated minute a VACUUM runs if the table's own storage
 * parameters would have autovacuum run one. One connection, so that the counters are exact.
 */
export async function measureSteadyLoad(db: Database): Promise<SteadyLoad> {
  // Only what is simulated: the real one would come once or twice in the whole run.
  await db.execute(sql`ALTER TABLE jobs SET (autovacuum_enabled = false)`)
  const samples: SteadySample[] = []
  const beats = { updates: 0, hot: 0 }
  let vacuums = 0
  for (let minute = 1; minute <= minutes; minute += 1) {
    await enqueueMany(db, {
      jobs: Array.from({ length: jobsInMinute }, (_, n) => ({
        intent: 'task',
        queue: 'steady',
        inputs: { n, text: 'x'.repeat(200) },
      })),
    })
    const held: Lease[][] = []
    for (;;) {
      const jobs = await claim(db, { queue: 'steady', workerId: `worker-${held.length}`, limit: batch })
      if (jobs.length === 0) break
      held.push(jobs.map(({ id, leaseToken }) => ({ id, leaseToken })))
    }
    const before = await counters(db)
    for (let n = 0; n < heartbeatsOfJob; n += 1)
      for (const leases of held) await heartbeat(db, { leases, leaseSeconds: 60 })
    const after = await counters(db)
    beats.updates += after.updates - before.updates
    beats.hot += after.hot - before.hot
    for (const jobs of held) await completeMany(db, { jobs })

    const { dead, kept, due } = await counters(db)
    samples.push({ minute, kept, dead, vacuums, ...(await sizes(db)) })
    if (due) {
      await db.execute(sql`VACUUM jobs`)
      vacuums += 1
    }
  }
  await db.execute(sql`VACUUM FULL jobs`)
  const compact = await sizes(db)
  return {
    jobs: minutes * jobsInMinute,
    heartbeats: beats.updates,
    hot: beats.hot / beats.updates,
    samples,
    compactBytes: compact.tableBytes + compact.indexBytes,
  }
}

async function counters(db: Database) {
  await db.execute(sql`SELECT pg_stat_force_next_flush()`)
  await db.execute(sql`SELECT 1`)
  const [row] = await queryRows(
    db,
    sql`SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot, n_dead_tup AS dead, n_live_tup AS kept,
      n_dead_tup > threshold.value::float8 + share.value::float8 * n_live_tup AS due
      FROM pg_stat_user_tables AS stat
      JOIN pg_class ON pg_class.oid = stat.relid
      CROSS JOIN LATERAL (SELECT option_value FROM pg_options_to_table(pg_class.reloptions) WHERE option_name = 'autovacuum_vacuum_threshold') AS threshold (value)
      CROSS JOIN LATERAL (SELECT option_value FROM pg_options_to_table(pg_class.reloptions) WHERE option_name = 'autovacuum_vacuum_scale_factor') AS share (value)
      WHERE stat.relname = 'jobs'`,
  )
  return {
    updates: Number(row?.updates),
    hot: Number(row?.hot),
    dead: Number(row?.dead),
    kept: Number(row?.kept),
    due: row?.due === true,
  }
}

async function sizes(db: Database) {
  const [row] = await queryRows(
    db,
    sql`SELECT pg_table_size('jobs') AS table_bytes, pg_indexes_size('jobs') AS index_bytes`,
  )
  return { tableBytes: Number(row?.table_bytes), indexBytes: Number(row?.index_bytes) }
}
