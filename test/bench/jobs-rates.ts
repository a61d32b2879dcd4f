import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import {
  claim,
  complete,
  completeAndClaim,
  completeMany,
  type Database,
  enqueue,
  enqueueMany,
  usePreparedStatements,
  work,
} from '../../src/index.ts'

/** Jobs in a second. */
export interface Rate {
  readonly enqueue?: number
  /** Claimed and completed. */
  readonly settle: number
}

/** What a product was measured at; not every product has every way. */
export interface JobRates {
  /** 500 at a time. */
  readonly batches: Rate
  /** The same in tables that nobody has analysed yet, as each product comes. */
  readonly fresh: Rate
  /** The same with all columns of a job. Of pg-boss and graphile-worker there is only what they give by themselves. */
  readonly whole?: Rate
  /** 4,000 at a time. Not of pg-boss: PostgreSQL then chooses a plan for its fetch that makes 650 jobs in a second. */
  readonly large?: Rate
  /** One by one, by a call that claims and a call that completes. graphile-worker has its worker alone. */
  readonly single?: Rate
  /** One by one, by a call that does both. */
  readonly joined?: Rate
  /** By the product's own worker, 8 jobs at the same time. pg-boss's polls, which is not about speed. */
  readonly worker?: Rate
}

const clients = 8
// What pg-boss gives too, beside the id.
const columns = ['intent', 'inputs'] as const

/** Measures this package over node-postgres, the driver of the peers, with 8 connections. */
async function measureRates(
  url: string,
  batchJobs: number,
  singleJobs: number,
  fresh: boolean,
): Promise<Partial<JobRates>> {
  const pool = new pg.Pool({ connectionString: url, max: clients })
  // The database is dropped while the last connections still say goodbye.
  pool.on('error', () => {})
  const db = drizzle(pool)
  usePreparedStatements(db)
  try {
    if (fresh)
      return { fresh: await measure(db, 'fresh', batchJobs, 500, settleBatches(500, columns), false) }
    const single = await measure(db, 'single', singleJobs, 1, settleOneByOne)
    const joined = await measure(db, 'joined', singleJobs, 1, settleJoined)
    const worker = await measure(db, 'worker', singleJobs, 1, settleByWorker)
    const batches = await measure(db, 'batches', batchJobs, 500, settleBatches(500, columns))
    const whole = await measure(db, 'whole', batchJobs, 500, settleBatches(500))
    const large = await measure(db, 'large', batchJobs, 4000, settleBatches(4000, columns))
    return { batches, whole, large, single, joined, worker }
  } finally {
    await pool.end()
  }
}

type Settle = (db: Database, queue: string, count: number) => Promise<unknown>

async function measure(
  db: Database,
  queue: string,
  count: number,
  size: number,
  settle: Settle,
  analysed = true,
): Promise<Rate> {
  const jobs = Array.from({ length: count / clients }, (_, n) => ({ intent: 'task', queue, inputs: { n } }))
  const enqueued = await seconds(() =>
    inParallel(async () => {
      for (let at = 0; at < jobs.length; at += size) {
        const one = jobs[at]
        if (size > 1) await enqueueMany(db, { jobs: jobs.slice(at, at + size) })
        else if (one) await enqueue(db, one)
      }
    }),
  )
  // As the peers (jobs-peers.mjs).
  if (analysed) await db.execute('ANALYZE')
  const settled = await seconds(() => settle(db, queue, count))
  return { enqueue: count / enqueued, settle: count / settled }
}

const settleOneByOne: Settle = (db, queue) =>
  inParallel(async (workerId) => {
    for (;;) {
      const [job] = await claim(db, { queue, workerId, columns })
      if (job === undefined) return
      await complete(db, { id: job.id, leaseToken: job.leaseToken })
    }
  })

const settleJoined: Settle = (db, queue) =>
  inParallel(async (workerId) => {
    let [job] = await claim(db, { queue, workerId, columns })
    while (job) {
      const { id, leaseToken } = job
      const next = await completeAndClaim(db, { id, leaseToken, queue, workerId, columns })
      ;[job] = next.jobs
    }
  })

const settleByWorker: Settle = async (db, queue, count) => {
  let done = 0
  let finish = () => {}
  const all = new Promise<void>((resolve) => {
    finish = resolve
  })
  const task = () => {
    done += 1
    if (done === count) finish()
  }
  const worker = work(db, { task }, { queue, concurrency: clients })
  await all
  await worker.stop()
}

const settleBatches =
  (size: number, wanted?: typeof columns): Settle =>
  (db, queue) =>
    inParallel(async (workerId) => {
      for (;;) {
        const found = await claim(db, { queue, workerId, limit: size, ...(wanted && { columns: wanted }) })
        if (found.length === 0) return
        await completeMany(db, { jobs: found.map(({ id, leaseToken }) => ({ id, leaseToken })) })
      }
    })

function inParallel(work: (workerId: string) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: clients }, (_, n) => work(`worker-${n}`)))
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

// A program of its own, so that it runs by the same Node as the peers (jobs-peers.ts):
// `node jobs-rates.ts <url> <batch jobs> <single jobs> [fresh]`.
if (process.argv[1] === import.meta.filename) {
  const [, , url = '', batchJobs, singleJobs, fresh] = process.argv
  const rates = await measureRates(url, Number(batchJobs), Number(singleJobs), fresh !== undefined)
  process.stdout.write(`RESULT ${JSON.stringify(rates)}\n`)
}
