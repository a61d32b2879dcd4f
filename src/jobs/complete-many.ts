import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryPrepared } from '../database/prepared.ts'
import type { CompleteOptions } from './complete.ts'
import type { SettleOutcome } from './lease.ts'
import { arraySql, jsonText } from './parameters.ts'

export interface CompleteManyResult {
  readonly id: string
  readonly outcome: SettleOutcome
}

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
  const rows = await queryPrepared(
    db,
    sql`SELECT id, outcome FROM public.complete_many(
      job_ids => ${arraySql(
        'jobs',
        jobs.map(({ id }) => id),
        'text',
      )},
      lease_tokens => ${arraySql(
        'jobs',
        jobs.map(({ leaseToken }) => leaseToken),
        'bigint',
      )},
      results => ${arraySql('results', results, 'jsonb')})`,
  )
  return rows as unknown as CompleteManyResult[]
}
