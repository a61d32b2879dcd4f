import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { textSql } from '../parameters.ts'

/** `cancel_requested`: it runs, and its worker has been asked to stop. `wrong_status`: it has ended already. */
export type CancelOutcome = 'cancelled' | 'cancel_requested' | 'wrong_status' | 'not_found'

export interface CancelOptions {
  readonly id: string
  /** Its descendants as well; false by default. */
  readonly cascade?: boolean
}

const optionKeys = { id: true, cascade: true } satisfies OptionKeys<CancelOptions>

/**
 * Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
 * next heartbeat, and if it does not let go, the job is cancelled when the lease ends.
 *
 * @returns what became of the job itself.
 * @throws InvalidInputError for an unknown option.
 * @example
 * const outcome = await cancel(db, { id, cascade: true })
 */
export async function cancel(db: Database, options: CancelOptions): Promise<CancelOutcome> {
  checkKeys(options, optionKeys)
  const { id, cascade = false } = options
  return callForOutcome(
    db,
    sql`${api(db)}cancel(job_id => ${textSql('id', id)}, cascade => ${String(cascade)}::text::boolean)`,
  )
}
