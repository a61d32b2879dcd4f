import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  claim,
  completeMany,
  type Database,
  enqueueMany,
  heartbeat,
  listJobs,
  queueStats,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'

/** How many pages a statement touches: what it costs, without the noise of a clock. */
async function pagesOf(db: Database, statement: string): Promise<number> {
  const [row] = await queryRows(db, sql.raw(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`))
  const plan = (
    typeof row?.['QUERY PLAN'] === 'string' ? JSON.parse(row['QUERY PLAN']) : row?.['QUERY PLAN']
  ) as {
    Plan: Record<string, number>
  }[]
  return (plan[0]?.Plan['Shared Hit Blocks'] ?? 0) + (plan[0]?.Plan['Shared Read Blocks'] ?? 0)
}

describeOnServer('the cost of jobs', (test) => {
  it('does not grow with finished jobs, nor with future jobs of a higher priority', async () => {
    const { db } = await test.connectAgain(1)
    const queue = uniqueName()
    const measure = async () => {
      await enqueueMany(db, { jobs: Array.from({ length: 30 }, () => ({ intent: 'a', queue })) })
      const pages: number[] = []
      for (let n = 0; n < 10; n += 1) {
        pages.push(await pagesOf(db, `SELECT * FROM claim('${queue}', 'w')`))
        pages.push(
          await pagesOf(
            db,
            `SELECT complete(id, lease_token) FROM list_jobs(queue => '${queue}', statuses => '{running}') LIMIT 1`,
          ),
        )
      }
      const jobs = await claim(db, { queue, workerId: 'w', limit: 100 })
      await completeMany(db, { jobs: jobs.map(({ id, leaseToken }) => ({ id, leaseToken })) })
      return pages.slice(4).reduce((sum, each) => sum + each, 0)
    }
    const whenEmpty = await measure()
    await db.execute(sql`
      INSERT INTO jobs (id, queue, intent, status, lease_token, worker_id, started_at, completed_at, created_at, run_at)
      SELECT 'finished-' || n, ${queue}, 'a', 'completed', 1, 'w', moment, moment, moment, moment
      FROM generate_series(1, 100000) AS n, LATERAL (SELECT now() - n * interval '1 second') AS at (moment)`)
    await db.execute(sql`
      INSERT INTO jobs (id, queue, intent, priority, run_at, created_at)
      SELECT 'future-' || n, ${queue}, 'a', 1 + n % 3, now() + interval '1 day', now() - n * interval '0.1 seconds'
      FROM generate_series(1, 30000) AS n`)
    // As autovacuum would: until then the index of created_at has not heard of the new pages.
    await db.execute(sql`VACUUM ANALYZE jobs`)
    const whenFull = await measure()
    expect(whenFull).toBeLessThan(whenEmpty * 2)
    expect(await pagesOf(db, `SELECT * FROM list_jobs(page_size => 50)`)).toBeLessThan(400)
    expect((await listJobs(db, { queue })).items).toHaveLength(50)
    expect(await queueStats(db, { queue, period: '1 minute' })).toMatchObject([{ scheduled: 30_000 }])
  })
})

// A dead version makes room for the next heartbeat once no transaction can need it. PostgreSQL asks that of every
// transaction that has written, in any database of the server: one that stays open elsewhere brought this down to 0.26.
// So each heartbeat waits until those that began before the last one have ended. (A database of its own, and no
// autovacuum, because an ANALYZE of the table has a snapshot too.)
describeOnServer('the cost of heartbeats', (test) => {
  it('is a HOT update, also while hundreds are running', { timeout: 120_000 }, async () => {
    const { db } = await test.connectAgain(1)
    await db.execute(sql`ALTER TABLE jobs SET (autovacuum_enabled = false)`)
    const untilNobodyNeeds = async (transaction: unknown) => {
      for (;;) {
        const [row] = await queryRows(
          db,
          sql`SELECT pg_snapshot_xmin(pg_current_snapshot()) > ${String(transaction)}::text::xid8 AS is_free`,
        )
        if (row?.is_free === true) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const queue = uniqueName()
    await enqueueMany(db, {
      jobs: Array.from({ length: 300 }, () => ({ intent: 'a', queue, inputs: { text: 'x'.repeat(300) } })),
    })
    const leases = await claim(db, { queue, workerId: 'w', limit: 300 })
    const counts = async () => {
      await db.execute(sql`SELECT pg_stat_force_next_flush()`)
      await db.execute(sql`SELECT 1`)
      const [row] = await queryRows(
        db,
        sql`SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'jobs'`,
      )
      return { updates: Number(row?.updates), hot: Number(row?.hot) }
    }
    const before = await counts()
    for (let n = 0; n < 20; n += 1) {
      const [last] = await queryRows(db, sql`SELECT pg_current_xact_id()::text AS id`)
      await untilNobodyNeeds(last?.id)
      await heartbeat(db, { leases })
    }
    const after = await counts()
    expect(after.updates - before.updates).toBe(6000)
    expect((after.hot - before.hot) / 6000).toBeGreaterThan(0.95)
  })

  it('stays small for a job with a large document', async () => {
    const { db } = await test.connectAgain(1)
    const queue = uniqueName()
    const text = Array.from({ length: 60_000 }, (_, n) => `${n * 7919}`).join(' ')
    await enqueueMany(db, { jobs: [{ intent: 'a', queue, inputs: { text } }] })
    const [job] = await claim(db, { queue, workerId: 'w' })
    const beat = `SELECT * FROM heartbeat(ARRAY['${job?.id}'], ARRAY[${job?.leaseToken}])`
    await pagesOf(db, beat)
    expect(await pagesOf(db, beat)).toBeLessThan(60)
  })
})
