import type { Database } from '../../database/database.ts'
import { queryPrepared, remembering } from '../../database/prepared.ts'
import { toNumber } from '../../database/rows.ts'
import { apiPrefix } from '../../database/schema-name.ts'
import type { SettleOutcome } from '../lease.ts'
import { arrayValue, jsonText } from '../parameters.ts'
import type { CompleteOptions } from './complete.ts'

export interface CompleteManyResult {
  readonly id: string
  readonly outcome: SettleOutcome
}

// Only what is not ok is sent back: nearly always nothing.
const statementFor = remembering(
  (schema: string) => `SELECT place, id, outcome
  FROM ${schema}complete_many(
    job_ids => $1::text::text[], lease_tokens => $2::text::bigint[], results => $3::text::jsonb[]
  ) WITH ORDINALITY AS answer (id, outcome, place)
  WHERE outcome IS DISTINCT FROM 'ok'`,
)

/**
 * Ends many jobs well in one statement. Each is settled, or refused, on its own, as by {@link complete}.
 *
 * @returns what became of each, in the order given.
 * @throws InvalidInputError if a result cannot be stored; then none is settled.
 * @example
 * await completeMany(db, { jobs: done.map(({ id, leaseToken, result }) => ({ id, leaseToken, result })) })
 */
export async function completeMany(
  db: Database,
  { jobs }: { readonly jobs: readonly CompleteOptions[] },
): Promise<CompleteManyResult[]> {
  if (jobs.length === 0) return []
  const hasResults = jobs.some(({ result }) => result !== undefined)
  const results = hasResults
    ? jobs.map(({ result }) => (result === undefined ? null : jsonText('result', result)))
    : null
  const params = [
    arrayValue(
      'jobs',
      jobs.map(({ id }) => id),
    ),
    arrayValue(
      'jobs',
      jobs.map(({ leaseToken }) => leaseToken),
    ),
    arrayValue('results', results),
  ]
  const outcomes = jobs.map(({ id }): CompleteManyResult => ({ id, outcome: 'ok' }))
  for (const { place, id, outcome } of await queryPrepared(db, {
    sql: statementFor(apiPrefix(db)),
    params,
  })) {
    outcomes[toNumber(place) - 1] = { id: id as string, outcome: outcome as SettleOutcome }
  }
  return outcomes
}
