import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { queryRows, type Row } from '../../src/database/rows.ts'
import type { Chaos } from './chaos.ts'
import { type JobLedger, leaseName } from './job-ledger.ts'
import { insist } from './zombies.ts'

/** Waits until every job has ended; stuck is what does not become less for 40 s, far more than any lease here. */
export async function drainJobs({ primary, report }: Chaos): Promise<void> {
  const unfinished = () =>
    queryRows(
      primary,
      sql`SELECT queue, intent, status, count(*)::integer AS jobs FROM jobs
        WHERE completed_at IS NULL AND intent <> 'tick' GROUP BY queue, intent, status`,
    )
  let left: Row[] = []
  let fewest = Number.POSITIVE_INFINITY
  for (let since = Date.now(); Date.now() - since < 40_000; await sleep(500)) {
    left = await insist(unfinished)
    const count = left.reduce((sum, { jobs }) => sum + Number(jobs), 0)
    if (count < fewest) [fewest, since] = [count, Date.now()]
    if (count === 0) return
  }
  report.wrong(`jobs do not end: ${JSON.stringify(left)}`)
}

/** Each job has ended once, by the holder of its last lease; nothing that was acknowledged is lost, and nobody was told yes in vain. */
export async function judgeJobs({ primary, ledger, report }: Chaos, jobs: JobLedger): Promise<void> {
  const rows = await queryRows(
    primary,
    sql`SELECT id, queue, status, lease_token, worker_id, result ->> 'leaseToken' AS result_token, result ->> 'worker' AS result_worker
      FROM jobs WHERE intent <> 'tick'`,
  )
  const attempts = await queryRows(
    primary,
    sql`SELECT job_id, lease_token, outcome, worker_id FROM job_attempts ORDER BY job_id, lease_token`,
  )
  const known = new Set(rows.map(({ id }) => String(id)))
  for (const [id, { began, ended }] of jobs.accepted)
    report.check(known.has(id) || ledger.isAtRisk(began, ended), `job ${id} was accepted and is gone`)

  const byJob = new Map<string, Row[]>()
  const byLease = new Map<string, Row>()
  for (const attempt of attempts) {
    const id = String(attempt.job_id)
    byJob.set(id, [...(byJob.get(id) ?? []), attempt])
    byLease.set(leaseName({ id, leaseToken: Number(attempt.lease_token) }), attempt)
  }
  report.check(byLease.size === attempts.length, 'a lease has ended twice')
  for (const job of rows) {
    const id = String(job.id)
    const leases = byJob.get(id) ?? []
    report.check(job.status === 'completed', `job ${id} of ${job.queue} is ${job.status}`)
    const completed = leases.filter(({ outcome }) => outcome === 'completed')
    report.check(
      completed.length === 1 &&
        leases.at(-1) === completed[0] &&
        Number(completed[0]?.lease_token) === Number(job.lease_token),
      `job ${id} of ${job.queue} was completed by ${completed.length} leases of ${leases.length}`,
    )
    if (job.queue !== 'plain') continue
    report.check(
      Number(job.result_token) === Number(job.lease_token) && job.result_worker === job.worker_id,
      `job ${id} has the result of ${job.result_worker}, not of ${job.worker_id}`,
    )
  }
  for (const [lease, holder] of jobs.holders) {
    const worker = byLease.get(lease)?.worker_id
    report.check(worker === undefined || worker === holder, `the lease ${lease} of ${holder} is ${worker}'s`)
  }
  judgeSettlements(jobs, byLease, known, { ledger, report })
  await judgeTrees(primary, report)
  console.log(
    `${rows.length} jobs have ended, in ${attempts.length} attempts; ${jobs.settlements.length} answers to workers`,
  )
}

function judgeSettlements(
  jobs: JobLedger,
  byLease: ReadonlyMap<string, Row>,
  known: ReadonlySet<string>,
  { ledger, report }: Pick<Chaos, 'ledger' | 'report'>,
): void {
  const completions = new Map<string, number>()
  for (const settlement of jobs.settlements) {
    const { id, leaseToken, worker, asked, answer, began, ended } = settlement
    const mayBeLost = ledger.isAtRisk(began, ended)
    const what = `${worker} asked for ${asked} of job ${id} with token ${leaseToken} and was told ${answer}`
    if (answer === 'ok' && !mayBeLost) {
      const outcome = byLease.get(leaseName(settlement))?.outcome
      report.check(outcome === asked, `${what}, but the lease is ${outcome ?? 'not there'}`)
      if (asked === 'completed') completions.set(id, (completions.get(id) ?? 0) + 1)
    } else if (answer === 'not_found') {
      const accepted = jobs.accepted.get(id)
      const wasLost = accepted === undefined || ledger.isAtRisk(accepted.began, accepted.ended)
      report.check(!known.has(id) && wasLost, what)
    } else if (answer !== 'ok') report.check(answer === 'stale_lease' || answer === 'locked', what)
  }
  for (const [id, count] of completions) report.check(count === 1, `job ${id} was completed ${count} times`)
}

/** A parent has all of its children and its answer; every second has its slot, once. */
async function judgeTrees(primary: Chaos['primary'], report: Chaos['report']): Promise<void> {
  const trees = await queryRows(
    primary,
    sql`
      SELECT parent.id, parent.result::text AS result, count(child.id) AS children,
        count(child.id) FILTER (WHERE child.status = 'completed') AS completed
      FROM jobs AS parent LEFT JOIN jobs AS child ON child.parent_id = parent.id
      WHERE parent.intent = 'parent' GROUP BY parent.id
    `,
  )
  for (const { id, result, children, completed } of trees) {
    const { legs, answer } = (JSON.parse(String(result)) ?? {}) as {
      legs?: number[]
      answer?: { by?: string }
    }
    report.check(
      Number(children) === 3 && Number(completed) === 3 && `${legs}` === '1,2,3' && answer?.by === 'Mara',
      `tree ${id} has ${completed} of ${children} children completed, and the result ${result}`,
    )
  }
  report.check(trees.length > 0, 'there was no tree of jobs')
  const slots = (
    await queryRows(
      primary,
      sql`SELECT metadata ->> 'slot' AS slot FROM jobs WHERE intent = 'tick' ORDER BY 1`,
    )
  ).map(({ slot }) => Date.parse(String(slot)))
  const gap = slots.findIndex((slot, at) => slot !== (slots[0] ?? 0) + at * 1000)
  report.check(
    slots.length > 5 && gap === -1,
    `slot ${gap} of ${slots.length} of the schedule is missing or twice`,
  )
}
