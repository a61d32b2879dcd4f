import type { Lease } from '../../src/index.ts'
import type { Report } from './report.ts'

/** An answer to a worker about its lease. */
export interface Settlement extends Lease {
  readonly worker: string
  readonly asked: string
  readonly answer: string
  readonly began: number
  readonly ended: number
}

/** What producers and workers were told about jobs. */
export class JobLedger {
  /** The jobs that were accepted, with when it was asked and answered. */
  readonly accepted = new Map<string, { readonly began: number; readonly ended: number }>()
  readonly settlements: Settlement[] = []
  /** Who was given a token of a job. */
  readonly holders = new Map<string, string>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  /** A worker was given a job: nobody was, or will be, given this token of it. */
  claimed({ id, leaseToken }: Lease, worker: string): void {
    const lease = leaseName({ id, leaseToken })
    const holder = this.holders.get(lease)
    if (holder !== undefined)
      this.#report.wrong(`token ${leaseToken} of job ${id} was given to ${worker}, and to ${holder} before`)
    this.holders.set(lease, worker)
    this.#report.count('claims')
  }

  async accept(ask: () => Promise<readonly { readonly id: string }[]>): Promise<string[]> {
    const began = Date.now()
    const ids = (await ask()).map(({ id }) => id)
    for (const id of ids) this.accepted.set(id, { began, ended: Date.now() })
    this.#report.count('jobs accepted', ids.length)
    return ids
  }

  async settle(lease: Lease, worker: string, asked: string, ask: () => Promise<string>): Promise<string> {
    const began = Date.now()
    const answer = await ask()
    const { id, leaseToken } = lease
    this.settlements.push({ id, leaseToken, worker, asked, answer, began, ended: Date.now() })
    this.#report.count(answer === 'ok' ? asked : answer)
    return answer
  }
}

/** A lease as the key of a map. */
export function leaseName({ id, leaseToken }: Lease): string {
  return `${id} ${leaseToken}`
}
