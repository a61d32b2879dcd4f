import type { Database } from '../../database/database.ts'
import type { SettleOutcome } from '../lease.ts'
import { type CompleteOptions, complete } from '../settle/complete.ts'
import { completeMany } from '../settle/complete-many.ts'

interface Waiting {
  readonly job: CompleteOptions
  readonly resolve: (outcome: SettleOutcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Completes jobs together: what finishes while one statement is on its way goes into the next. A single job is not kept
 * waiting, and a thousand short ones need a few statements.
 */
export class Completions {
  readonly #db: Database
  #waiting: Waiting[] = []
  #isBusy = false

  constructor(db: Database) {
    this.#db = db
  }

  complete(job: CompleteOptions): Promise<SettleOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      if (!this.#isBusy) void this.#settleAll()
    })
  }

  async #settleAll(): Promise<void> {
    this.#isBusy = true
    // Jobs that finish in this turn of the event loop still come along.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 1000)
      try {
        const results = await completeMany(this.#db, { jobs: batch.map(({ job }) => job) })
        for (const [at, { resolve }] of batch.entries()) resolve(results[at]?.outcome ?? 'not_found')
      } catch {
        // Perhaps one result cannot be stored: let the others through, and each have its own error.
        await Promise.all(
          batch.map(({ job, resolve, reject }) => complete(this.#db, job).then(resolve, reject)),
        )
      }
    }
    this.#isBusy = false
  }
}
