import { setTimeout as sleep } from 'node:timers/promises'
import {
  claim,
  complete,
  completeMany,
  enqueueMany,
  fail,
  heartbeat,
  type Lease,
  release,
} from '../../src/index.ts'
import type { Chaos } from './chaos.ts'
import type { JobLedger } from './job-ledger.ts'
import { isOutage } from './report.ts'

/**
 * Workers that hold leases of which the promoted standby never heard: it gives the same jobs to others, and the zombies,
 * who do not know, go on as if theirs were still good.
 */
export class Zombies {
  readonly #chaos: Chaos
  readonly #jobs: JobLedger
  readonly #queue: string
  #held: Lease[] = []

  constructor(chaos: Chaos, jobs: JobLedger, round: number) {
    this.#chaos = chaos
    this.#jobs = jobs
    this.#queue = `zombies-${round}`
  }

  /** Accepts the jobs, while both machines hear of it. */
  async prepare(): Promise<void> {
    const job = { intent: 'zombie', queue: this.#queue, maxAttempts: 1000 }
    await insist(() => enqueueMany(this.#chaos.primary, { jobs: [job, job, job, job, job] }))
  }

  /** Claims them, while only the primary hears of it, which is to die. */
  async claim(): Promise<void> {
    const leases = await insist(() =>
      claim(this.#chaos.primary, { queue: this.#queue, workerId: 'zombie', limit: 5, leaseSeconds: 3600 }),
    )
    this.#held = leases.map(({ id, leaseToken }) => ({ id, leaseToken }))
    for (const lease of this.#held) this.#jobs.claimed(lease, 'zombie')
  }

  /** Claims them of the next primary, and lets the zombies try what they can before and after that. */
  async rise(): Promise<void> {
    const { primary, report } = this.#chaos
    const before = await this.#settle()
    const leases = await insist(() =>
      claim(primary, { queue: this.#queue, workerId: 'heir', limit: 5, leaseSeconds: 3600 }),
    )
    for (const lease of leases) this.#jobs.claimed(lease, 'heir')
    const heirs = new Map(leases.map(({ id, leaseToken }) => [id, leaseToken]))
    for (const { id, leaseToken } of this.#held) {
      const token = heirs.get(id)
      report.check(
        token !== undefined && token > leaseToken,
        `job ${id}, whose claim with token ${leaseToken} was lost, came again with token ${token}`,
      )
    }
    for (const answer of [...before, ...(await this.#settle())])
      report.check(answer === 'stale_lease', `a zombie was told ${answer}`)
    const states = await insist(() => heartbeat(primary, { leases: this.#held }))
    report.check(
      states.every(({ state }) => state === 'lost'),
      `the heartbeats of zombies were told ${JSON.stringify(states)}`,
    )
    for (const { id, leaseToken } of leases) {
      const answer = await insist(() => complete(primary, { id, leaseToken, result: 'of the heir' }))
      // Asked again after a cut, it has been done before.
      report.check(answer === 'ok' || answer === 'stale_lease', `an heir was told ${answer}`)
    }
    report.count('zombies refused', this.#held.length)
  }

  async #settle(): Promise<string[]> {
    const { primary } = this.#chaos
    const answers: string[] = []
    for (const lease of this.#held) {
      answers.push(
        await insist(() => complete(primary, { ...lease, result: 'of the zombie' })),
        ...(await insist(() => completeMany(primary, { jobs: [lease] }))).map(({ outcome }) => outcome),
        await insist(() => fail(primary, { ...lease, error: { code: 'zombie', message: 'zombie' } })),
        await insist(() => release(primary, lease)),
      )
    }
    return answers
  }
}

/** Tries until there is a server. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 60_000; ; await sleep(200)) {
    try {
      return await act()
    } catch (error) {
      if (!isOutage(error) || Date.now() > end) throw error
    }
  }
}
