import type { Database } from '../../database/database.ts'
import { checkOptions } from '../../database/options.ts'
import { queryPrepared, remembering } from '../../database/prepared.ts'
import { apiPrefix } from '../../database/schema-name.ts'
import { DatabaseError } from '../../errors.ts'
import type { Job } from '../../schema/jobs.ts'
import { leaseArguments, leaseValues, type SettleOutcome } from '../lease.ts'
import { jsonValue } from '../parameters.ts'
import type { CompleteOptions } from '../settle/complete.ts'
import {
  type ClaimedJob,
  type ClaimOptions,
  claimArguments,
  claimKeys,
  claimSelection,
  claimValues,
} from './claim.ts'

export interface CompleteAndClaimOptions<K extends keyof Job = keyof Job>
  extends CompleteOptions,
    ClaimOptions<K> {}

export interface CompleteAndClaimResult<K extends keyof Job = keyof Job> {
  /** What became of the completion, as of {@link complete}. */
  readonly outcome: SettleOutcome
  /** The next jobs, as of {@link claim}, whatever the outcome. */
  readonly jobs: ClaimedJob<K>[]
}

const statementFor = remembering((schema: string) =>
  remembering(
    (list: string) => `SELECT outcome, ${list} FROM (
    SELECT outcome, (job).* FROM ${schema}complete_and_claim(
      ${leaseArguments}, result => $3::text::jsonb, ${claimArguments(4)})
  ) AS answer`,
  ),
)

/**
 * {@link complete} and then {@link claim} in one call: for a worker that has done a job and wants the next, one round trip
 * and one transaction instead of two.
 *
 * @throws InvalidInputError if the result cannot be stored or an argument is out of range; then nothing is completed.
 * @example
 * let [job] = await claim(db, { queue, workerId })
 * while (job) {
 *   const { id, leaseToken } = job
 *   const result = await summarise(job.inputs)
 *   ;({ jobs: [job] } = await completeAndClaim(db, { id, leaseToken, result, queue, workerId }))
 * }
 */
export async function completeAndClaim<K extends keyof Job = keyof Job>(
  db: Database,
  options: CompleteAndClaimOptions<K>,
): Promise<CompleteAndClaimResult<K>> {
  // The lease may be a whole job, and a handler that gives nothing has an undefined result.
  const ofClaim = Object.entries(options).filter(([key]) => Object.hasOwn(claimKeys, key))
  checkOptions(Object.fromEntries(ofClaim), claimKeys)
  const { list, decode } = claimSelection(options)
  const result = jsonValue('result', options.result)
  const params = [...leaseValues(options), result, ...claimValues(options)]
  const rows = await queryPrepared(db, { sql: statementFor(apiPrefix(db))(list), params })
  const [first] = rows
  if (first === undefined) throw new DatabaseError('expected the outcome of the completion, got no row')
  return {
    outcome: first.outcome as SettleOutcome,
    jobs: rows.filter(({ id }) => id !== null).map((row) => decode(row) as ClaimedJob<K>),
  }
}
