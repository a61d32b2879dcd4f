import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { shortened, styled, type Terminal } from '../../src/cli/terminal.ts'
import {
  bm25Search,
  cancel,
  claim,
  complete,
  type Database,
  DatabaseError,
  enqueue,
  fail,
  getJob,
  heartbeat,
  jobAttempts,
  reportProgress,
} from '../../src/index.ts'
import { demoNamespace } from './fixture.ts'

const retryInSeconds = 0.2
const timeoutSeconds = 5

/**
 * Takes one job through a failed attempt, a retry, a late worker that is refused, and its end; and has a second one
 * cancelled while it waits for approval. Every line is printed as the database answers.
 */
export async function showJobs(db: Database, terminal: Terminal): Promise<void> {
  // A queue of its own for each run: what an interrupted run left behind must not be handed to this one.
  const queue = `demo-${randomUUID().slice(0, 8)}`
  const tell = timeline(terminal)

  const { id } = await enqueue(db, {
    queue,
    intent: 'briefing.person',
    mode: 'agent',
    inputs: { person: 'Priya' },
    backoffSeconds: 1,
  })
  tell('enqueue', `accepted: "briefing.person" about Priya, in the queue ${queue}`)

  const first = await claimNext(db, queue, 'worker-1')
  tell(
    'claim',
    `worker-1 holds it, attempt ${first.attempt} of ${first.maxAttempts}, lease ${first.leaseToken}`,
  )
  await reportProgress(db, { ...first, progress: 0.3, message: 'asking the model' })
  const [lease] = await heartbeat(db, { leases: [first], leaseSeconds: 60 })
  tell('heartbeat', `worker-1 is at 30 %, "asking the model": lease ${lease?.state}, 60 s from now`)
  await fail(db, { ...first, error: { code: 'model_timeout', message: 'no answer in 30 s' }, retryInSeconds })
  tell(
    'fail',
    `the model gave no answer: ${(await jobOf(db, id)).status} again, not before ${retryInSeconds} s`,
  )

  const second = await claimNext(db, queue, 'worker-2')
  tell(
    'claim',
    `worker-2 holds it, attempt ${second.attempt} of ${second.maxAttempts}, lease ${second.leaseToken}`,
  )
  const late = await complete(db, { ...first, result: { briefing: 'too late' } })
  tell('complete', `worker-1, too late, with its old lease ${first.leaseToken}: ${late}, nothing changed`)

  const person = String(second.inputs.person)
  const found = await bm25Search(db, { queryText: person, k: 50, filter: { namespace: demoNamespace } })
  await reportProgress(db, { ...second, progress: 0.8, message: 'writing' })
  await complete(db, { ...second, result: { memories: found.length, best: found[0]?.id ?? null } })
  const done = await jobOf(db, id)
  tell('complete', `${done.status} by worker-2, result ${JSON.stringify(done.result)}`)
  const attempts = await jobAttempts(db, { id })
  tell(
    'attempts',
    attempts.map(({ attempt, outcome, workerId }) => `${attempt} ${outcome} (${workerId})`).join(', '),
  )

  const approval = { question: 'Buy a laptop for 1849 euros?', approver: 'mara' }
  const purchase = await enqueue(db, {
    queue,
    intent: 'purchase',
    waitReason: 'approval',
    requiredAction: approval,
  })
  tell('enqueue', `a second job, ${purchase.status} for approval: "${approval.question}"`)
  const idle = await claim(db, { queue, workerId: 'worker-2' })
  tell('claim', `worker-2 is handed ${idle.length} jobs`)
  tell('cancel', `Mara says no: ${await cancel(db, { id: purchase.id })}`)
}

/** Claims the queue's only job, waiting until it is due. */
async function claimNext(db: Database, queue: string, workerId: string) {
  const giveUpAt = performance.now() + timeoutSeconds * 1000
  while (performance.now() < giveUpAt) {
    const [job] = await claim(db, { queue, workerId, leaseSeconds: 60 })
    if (job !== undefined) return job
    await pause(25)
  }
  throw new DatabaseError(`expected a job in the queue ${queue} within ${timeoutSeconds} s, got none`)
}

async function jobOf(db: Database, id: string) {
  const job = await getJob(db, { id })
  if (job === null) throw new DatabaseError(`expected the job ${id}, got none`)
  return job
}

/** Prints lines with the milliseconds since the timeline began. */
function timeline(terminal: Terminal): (verb: string, text: string) => void {
  const started = performance.now()
  return (verb, text) => {
    const elapsed = `${Math.round(performance.now() - started)}`.padStart(5)
    const prefix = `${elapsed} ms  ${verb.padEnd(11)}`
    const line = shortened(text, terminal.columns - prefix.length)
    terminal.write(`${styled(terminal, 'dim', prefix)}${line}\n`)
  }
}
