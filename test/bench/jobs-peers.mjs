// Measures pg-boss or graphile-worker: `node jobs-peers.mjs <pg-boss|graphile-worker> <url> <batch jobs> <single jobs>`, or
// with `fresh` behind it only batches in tables that nobody has analysed.
// Both as their documentation says for speed: pg-boss fetches and completes in batches, without supervision beside it;
// graphile-worker has a local queue of as many jobs as a batch, completes what is done together, and prepares statements.
// Its clock starts with its first job, not with its own start. What was enqueued is analysed before it is claimed, as
// autovacuum would sooner or later: before that both may get plans for empty tables, which `fresh` shows.
// jobs.ts copies this file into a temporary directory that has both, so that neither is a dependency of the package.
import pg from 'pg'

const [, , peer, connectionString, batchJobs, singleJobs, fresh] = process.argv
const clients = 8
const admin = new pg.Client({ connectionString })
await admin.connect()

async function analyse() {
  if (!fresh) await admin.query('ANALYZE')
}

async function parallel(work) {
  const started = performance.now()
  await Promise.all(Array.from({ length: clients }, work))
  return (performance.now() - started) / 1000
}

async function pgBoss() {
  const { PgBoss } = await import('pg-boss')
  const boss = new PgBoss({ connectionString, max: clients, supervise: false, schedule: false })
  boss.on('error', console.error)
  await boss.start()
  const measure = async (queue, count, size) => {
    await boss.createQueue(queue)
    const jobs = Array.from({ length: count / clients }, (_, n) => ({ data: { n } }))
    const enqueued = await parallel(async () => {
      for (let at = 0; at < jobs.length; at += size) {
        if (size === 1) await boss.send(queue, jobs[at].data)
        else await boss.insert(queue, jobs.slice(at, at + size))
      }
    })
    await analyse()
    const settled = await parallel(async () => {
      for (;;) {
        const found = await boss.fetch(queue, { batchSize: size })
        if (found.length === 0) return
        await boss.complete(
          queue,
          found.map(({ id }) => id),
        )
      }
    })
    return { enqueue: count / enqueued, settle: count / settled }
  }
  try {
    if (fresh) return { fresh: await measure('batches', Number(batchJobs), 500) }
    const single = await measure('single', Number(singleJobs), 1)
    const batches = await measure('batches', Number(batchJobs), 500)
    return { batches, single }
  } finally {
    await boss.stop({ graceful: false })
  }
}

async function graphileWorker() {
  const { makeWorkerUtils, run, Logger } = await import('graphile-worker')
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ connectionString, maxPoolSize: clients, logger })
  await utils.migrate()
  const measure = async (count, size) => {
    const enqueued = await parallel(async () => {
      for (let at = 0; at < count / clients; at += size) {
        if (size === 1) await utils.addJob('task', { n: at })
        else
          await utils.addJobs(
            Array.from({ length: Math.min(size, count / clients - at) }, (_, n) => ({
              identifier: 'task',
              payload: { n },
            })),
          )
      }
    })
    await analyse()
    let done = 0
    let finish
    const finished = new Promise((resolve) => {
      finish = resolve
    })
    let started
    const worker = size === 1 ? {} : { localQueue: { size }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
    const runner = await run({
      connectionString,
      logger,
      noHandleSignals: true,
      preset: {
        worker: {
          connectionString,
          maxPoolSize: clients,
          concurrentJobs: size === 1 ? clients : clients * 3,
          ...worker,
        },
      },
      taskList: {
        task: () => {
          started ??= performance.now()
          done += 1
          if (done === count) finish()
        },
      },
    })
    await finished
    await runner.stop()
    return { enqueue: count / enqueued, settle: (count / (performance.now() - started)) * 1000 }
  }
  try {
    if (fresh) return { fresh: await measure(Number(batchJobs), 500) }
    const worker = await measure(Number(singleJobs), 1)
    const batches = await measure(Number(batchJobs), 500)
    const large = await measure(Number(batchJobs), 4000)
    return { batches, large, worker }
  } finally {
    await utils.release()
  }
}

const measured = await (peer === 'pg-boss' ? pgBoss() : graphileWorker())
process.stdout.write(`RESULT ${JSON.stringify(measured)}\n`)
process.exit(0)
