import type { Database } from '../../database/database.ts'
import { queryPrepared, remembering } from '../../database/prepared.ts'
import { onlyRow } from '../../database/rows.ts'
import { apiPrefix } from '../../database/schema-name.ts'
import { type Lease, leaseArguments, leaseValues, type SettleOutcome } from '../lease.ts'
import { jsonValue } from '../parameters.ts'

export interface CompleteOptions extends Lease {
  /** What came of it: anything that JSON can hold. */
  readonly result?: unknown
}

const statementFor = remembering(
  (schema: string) => `SELECT ${schema}complete(${leaseArguments}, result => $3::text::jsonb) AS outcome`,
)

/**
 * Ends a job well. Only the holder of its current lease can: a worker that was given up, and whose job another one has
 * now, gets `stale_lease` and has changed nothing.
 *
 * @throws InvalidInputError if the result cannot be stored.
 * @example
 * const outcome = await complete(db, { id: job.id, leaseToken: job.leaseToken, result: { summary } })
 */
export async function complete(db: Database, options: CompleteOptions): Promise<SettleOutcome> {
  const params = [...leaseValues(options), jsonValue('result', options.result)]
  const row = onlyRow(await queryPrepared(db, { sql: statementFor(apiPrefix(db)), params }))
  return row.outcome as SettleOutcome
}
