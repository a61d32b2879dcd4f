/**
 * `npm run chaos -- [--minutes 3] [--disk 512]`: writers, searchers, workers, folds and changes of the model against a
 * primary with a standby, in two containers, whose servers are killed, replaced, cut off and filled up meanwhile. At the
 * end everything is recounted. Ends with 1 if anything was lost or wrong, and says what. Needs Docker;
 * OPA_TEST_POSTGRES_IMAGE names another image than pgvector/pgvector:pg17.
 */
import { Command, InvalidArgumentError } from 'commander'
import { sql } from 'drizzle-orm'
import { connect, migrate, useEmbeddingModel } from '../../src/index.ts'
import { testPath } from '../support/installation.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'
import { type Chaos, openChaos } from './chaos.ts'
import { Cluster, database } from './cluster.ts'
import { strikeUntil } from './disasters.ts'
import { JobLedger } from './job-ledger.ts'
import { approver, plainWorker, producer, startSchedule, treeWorker } from './job-load.ts'
import { drainJobs, judgeJobs } from './job-verdict.ts'
import { endModelChange, folder, modelChanger, writer } from './memory-load.ts'
import { judgeCopies, judgeMemories, judgeSearches, judgeStatistics } from './memory-verdict.ts'
import { stackOf } from './report.ts'
import { recaller, searcher } from './search-load.ts'

interface Given {
  readonly minutes: number
  readonly disk: number
}

await new Command('chaos')
  .description('Runs everything at once against a primary with a standby that do not stay whole.')
  .option('--minutes <number>', 'how long', positive, 3)
  .option('--disk <megabytes>', 'the size of each machine’s disk', positive, 512)
  .action(run)
  .parseAsync()

async function run({ minutes, disk }: Given): Promise<void> {
  const cluster = await Cluster.start(disk)
  process.once('SIGINT', () => void cluster.stop().finally(() => process.exit(130)))
  try {
    const findings = await runOn(cluster, minutes)
    console.log(
      findings.length === 0
        ? 'nothing was lost, and nothing was wrong'
        : `WRONG:\n${findings.map((finding) => `- ${finding}`).join('\n')}`,
    )
    process.exitCode = findings.length === 0 ? 0 : 1
  } finally {
    await cluster.stop()
  }
  // A connection that its driver has forgotten may keep the process.
  process.exit()
}

async function runOn(cluster: Cluster, minutes: number): Promise<readonly string[]> {
  const writing = new AbortController()
  const working = new AbortController()
  const chaos = await openChaos(cluster, writing.signal)
  const { report } = chaos
  // postgres.js throws outside of any promise where a connection ends inside a transaction (porsager/postgres#1208).
  process.on('uncaughtException', (error) => {
    if (error.stack?.includes('node_modules/postgres/')) report.count('throws of the driver')
    else report.wrong(`uncaught: ${stackOf(error)}`)
  })
  const progress = setInterval(() => console.log(report.line()), 10_000)
  try {
    await install(cluster)
    const jobs = new JobLedger(report)
    await startSchedule(chaos)
    const load = [
      ...['w1', 'w2'].map((name) => writer(chaos, name, 500)),
      searcher(chaos, 'primary'),
      searcher(chaos, 'standby'),
      recaller(chaos),
      folder(chaos),
      modelChanger(chaos),
      producer(chaos, jobs),
    ]
    const workers = ['p1', 'p2'].map((name) => plainWorker(chaos, jobs, name, working.signal))
    const approving = approver(chaos, working.signal)
    const trees = ['t1', 't2'].map((name) => treeWorker(chaos, jobs, name))
    try {
      await strikeUntil(Date.now() + minutes * 60_000, chaos, jobs)
    } finally {
      report.doing = 'the end'
      writing.abort()
      await Promise.all(load)
    }
    await drainJobs(chaos)
    working.abort()
    await Promise.all([...workers, approving, ...trees.map((worker) => worker.stop())])
    await judge(chaos, jobs)
  } catch (error) {
    report.wrong(`the run broke off: ${stackOf(error)}`)
  } finally {
    clearInterval(progress)
    console.log(report.line())
    await Promise.race([chaos.close(), new Promise((resolve) => setTimeout(resolve, 10_000))])
  }
  return report.findings
}

/** By a connection of its own: the others shall begin with the search_path of the tests. */
async function install(cluster: Cluster): Promise<void> {
  const { db, close } = await connect({ kind: 'server', url: cluster.url(cluster.toPrimary) })
  await migrate(db)
  await db.execute(sql.raw(`ALTER DATABASE ${database} SET search_path = ${testPath}`))
  const [first] = stormEmbedders
  await useEmbeddingModel(db, { name: first.model, dimensions: first.dimensions })
  await close()
}

async function judge(chaos: Chaos, jobs: JobLedger): Promise<void> {
  const { cluster, report } = chaos
  await endModelChange(chaos)
  await judgeMemories(chaos)
  await judgeJobs(chaos, jobs)
  await judgeStatistics(chaos)
  await judgeCopies(chaos)
  await judgeSearches(chaos)
  for (const machine of [cluster.primary, cluster.standby]) {
    const found = await machine.amcheck(database, machine === cluster.primary)
    report.check(found === '', `amcheck of ${machine.name}: ${found}`)
  }
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('expected a number above 0')
  return number
}
