import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { api } from '../../database/schema-name.ts'
import { type Lease, leaseSql, type SettleOutcome } from '../lease.ts'
import { jsonSql, numberSql, textSql } from '../parameters.ts'

export interface WaitForOptions {
  readonly id: string
  /** The lease of a running job; null holds back a pending one. */
  readonly leaseToken: Lease['leaseToken'] | null
  /** `approval`: until `approve` or `reject`. `input`, `external`: until `resume`. `children`: until the last has ended. */
  readonly reason: 'approval' | 'input' | 'children' | 'external'
  /** What has to be done for it to go on, for whoever does it: a JSON object. */
  readonly requiredAction?: Readonly<Record<string, unknown>>
  /** With `children`: whether one that failed or was cancelled fails this job as well (the default). */
  readonly onChildFailure?: 'fail' | 'continue'
  /** How long to wait at most; for ever by default. */
  readonly expiresInSeconds?: number
  /** What happens then: the job fails with the code `wait_expired` (the default), or goes on with `{ expired: true }`. */
  readonly onExpiry?: 'fail' | 'continue'
}

export interface WaitForResult {
  readonly outcome: SettleOutcome
  /** Which wait this is, for `approve`, `reject` or `resume` to name; null if the job does not wait. */
  readonly waitId: string | null
}

const optionKeys = {
  id: true,
  leaseToken: true,
  reason: true,
  requiredAction: true,
  onChildFailure: true,
  expiresInSeconds: true,
  onExpiry: true,
} satisfies OptionKeys<WaitForOptions>

/**
 * Lets go of a job until something happens. It is then pending and claimed as any other, with the answer in
 * `requiredAction.response`; the attempt does not count. If its cancellation was asked for, the job is cancelled.
 *
 * @throws InvalidInputError for an unknown option, a reason that there is not, or a time out of range.
 * @example
 * const { waitId } = await waitFor(db, { id: job.id, leaseToken: job.leaseToken, reason: 'approval', requiredAction: { question: 'Send?' } })
 */
export async function waitFor(db: Database, options: WaitForOptions): Promise<WaitForResult> {
  checkKeys(options, optionKeys)
  const { id, leaseToken, reason, requiredAction = {}, onChildFailure = 'fail', onExpiry = 'fail' } = options
  const lease =
    leaseToken === null
      ? sql`job_id => ${textSql('id', id)}, lease_token => ${numberSql('leaseToken', null, 'bigint')}`
      : leaseSql({ id, leaseToken })
  const [row] = await queryPrepared(
    db,
    sql`SELECT outcome, wait_id FROM ${api(db)}wait_for(${lease}, reason => ${textSql('reason', reason)},
      required_action => ${jsonSql('requiredAction', requiredAction)},
      on_child_failure => ${textSql('onChildFailure', onChildFailure)},
      expires_in_seconds => ${numberSql('expiresInSeconds', options.expiresInSeconds, 'float8')},
      on_expiry => ${textSql('onExpiry', onExpiry)})`,
  )
  return { outcome: row?.outcome as SettleOutcome, waitId: row?.wait_id as string | null }
}
