import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import {
  claim,
  complete,
  completeMany,
  type Database,
  enqueue,
  enqueueMany,
  usePreparedStatements,
} from '../../src/index.ts'

/** Jobs in a second: accepted, and claimed and completed. */
export interface JobRates {
  /** 500 at a time. */
  readonly batches: { readonly enqueue: number; readonly settle: number }
  /** 4,000 at a time. Not of pg-boss: PostgreSQL then chooses a plan for its fetch that makes 650 jobs in a second. */
  readonly large?: { readonly enqueue: number; readonly settle: number }
  readonly single: { readonly enqueue: number; readonly settle: number }
}

const clients = 8

/** Measures this package over node-postgres, the driver of the peers, with 8 connections. */
export async function measureRates(url: string, batchJobs: number, singleJobs: number): Promise<JobRates> {
  const pool = new pg.Pool({ connectionString: url, max: clients })
  // The database is dropped while the last connections still say goodbye.
  pool.on('error', () => {})
  const db = drizzle(pool)
  usePreparedStatements(db)
  try {
    // One by one first: with tens of thousands of finished jobs and no statistics yet, pg-boss gets worse plans.
    const single = await measure(db, 'single', singleJobs, 1)
    const batches = await measure(db, 'batches', batchJobs, 500)
    return { batches, large: await measure(db, 'large', batchJobs, 4000), single }
  } finally {
    await pool.end()
  }
}

async function measure(db: Database, queue: string, count: number, size: number) {
  const jobs = Array.from({ length: count / clients }, (_, n) => ({ intent: 'task', queue, inputs: { n } }))
  const enqueued = await parallel(async () => {
    for (let at = 0; at < jobs.length; at += size) {
      const one = jobs[at]
      if (size > 1) await enqueueMany(db, { jobs: jobs.slice(at, at + size) })
      else if (one) await enqueue(db, one)
    }
  })
  const settled = await parallel(async (worker) => {
    for (;;) {
      const found = await claim(db, { queue, workerId: `worker-${worker}`, limit: size })
      const [one] = found
      if (one === undefined) return
      if (size === 1) await complete(db, { id: one.id, leaseToken: one.leaseToken })
      else await completeMany(db, { jobs: found.map(({ id, leaseToken }) => ({ id, leaseToken })) })
    }
  })
  return { enqueue: count / enqueued, settle: count / settled }
}

async function parallel(work: (worker: number) => Promise<void>): Promise<number> {
  const started = performance.now()
  await Promise.all(Array.from({ length: clients }, (_, worker) => work(worker)))
  return (performance.now() - started) / 1000
}
