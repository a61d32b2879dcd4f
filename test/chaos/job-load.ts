import { setTimeout as sleep } from 'node:timers/promises'
import {
  claim,
  complete,
  completeMany,
  enqueueMany,
  fail,
  type Handler,
  heartbeat,
  type Lease,
  putSchedule,
  release,
  type Worker,
  work,
} from '../../src/index.ts'
import { approveAll, tickSchedule, treeHandlers } from '../jobs/tree-handlers.ts'
import type { Chaos } from './chaos.ts'
import type { JobLedger } from './job-ledger.ts'
import { isOutage, repeat, stackOf, within } from './report.ts'

const patient = { maxAttempts: 1000, backoffSeconds: 0.1 }
const leaseSeconds = 3

/** Accepts single jobs and parents of trees. */
export function producer({ primary, report, signal }: Chaos, jobs: JobLedger): Promise<void> {
  return repeat('producer', { report, signal, pause: 400 }, async () => {
    const single = { intent: 'a', queue: 'plain', ...patient }
    await jobs.accept(() => enqueueMany(primary, { jobs: [single, single, { ...single, priority: 2 }] }))
    if (Math.random() < 0.3)
      await jobs.accept(() =>
        enqueueMany(primary, { jobs: [{ intent: 'parent', queue: 'trees', ...patient }] }),
      )
  })
}

/** Claims, sometimes oversleeps its lease, and settles in one of the ways that there are. */
export function plainWorker(
  { primary, report }: Chaos,
  jobs: JobLedger,
  worker: string,
  signal: AbortSignal,
): Promise<void> {
  return repeat(`worker ${worker}`, { report, signal, pause: 60 }, async () => {
    const limit = 1 + Math.floor(Math.random() * 4)
    const leases = await within(40, claim(primary, { queue: 'plain', workerId: worker, limit, leaseSeconds }))
    for (const lease of leases) jobs.claimed(lease, worker)
    for (const { id, leaseToken } of leases) {
      const lease = { id, leaseToken }
      await sleep(Math.random() * 40)
      if (Math.random() < 0.01) await sleep(leaseSeconds * 1000 + 500)
      else await within(40, heartbeat(primary, { leases: [lease], leaseSeconds }))
      const dice = Math.random()
      const asked = dice < 0.08 ? 'retried' : dice < 0.12 ? 'released' : 'completed'
      await jobs.settle(lease, worker, asked, () =>
        within(40, settleAs(asked, lease, worker, primary, dice > 0.6)),
      )
    }
  })
}

async function settleAs(
  asked: string,
  lease: Lease,
  worker: string,
  db: Chaos['primary'],
  isMany: boolean,
): Promise<string> {
  if (asked === 'retried')
    return fail(db, { ...lease, error: { code: 'test', message: 'test' }, retryInSeconds: 0.1 })
  if (asked === 'released') return release(db, lease)
  const completed = { ...lease, result: { worker, leaseToken: lease.leaseToken } }
  if (!isMany) return complete(db, completed)
  const [first] = await completeMany(db, { jobs: [completed] })
  return first?.outcome ?? 'no answer'
}

/** A worker of trees, as a service runs it, which also keeps the schedule. */
export function treeWorker({ primary, report }: Chaos, jobs: JobLedger, workerId: string): Worker {
  const handlers = Object.entries(treeHandlers(primary)).map(([intent, handle]): [string, Handler] => [
    intent,
    (job, context) => {
      jobs.claimed(job, workerId)
      return handle(job, context)
    },
  ])
  return work(primary, Object.fromEntries(handlers), {
    queue: 'trees',
    workerId,
    leaseSeconds,
    schedules: true,
    concurrency: 4,
    pollMilliseconds: 100,
    maxPollMilliseconds: 500,
    drainSeconds: 5,
    onError: (error) => {
      const isExpected =
        isOutage(error) ||
        (error instanceof Error &&
          ['by chance', 'LeaseLostError', 'JobAbortedError'].some(
            (word) => error.message.includes(word) || error.name === word,
          ))
      if (!isExpected) report.wrong(`worker ${workerId}: ${stackOf(error)}`)
    },
  })
}

export async function startSchedule({ primary }: Chaos): Promise<void> {
  await putSchedule(primary, tickSchedule)
}

export function approver({ primary, report }: Chaos, signal: AbortSignal): Promise<void> {
  return repeat('approver', { report, signal, pause: 300 }, async () => {
    report.count('approvals', await approveAll(primary))
  })
}
