import { sql } from 'drizzle-orm'
import { checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { onlyRow, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'

export interface Bm25ScoreOptions {
  readonly queryText: string
  readonly docText: string
  /** How soon repeating a word stops to help, from 0; 1.2 by default. */
  readonly k1?: number
  /** How much the length counts, 0 to 1; 0.75 by default. */
  readonly b?: number
}

/**
 * The BM25 score that a text would have for a query under the statistics of the memories that are there now. Misspelt
 * words are not corrected; 0 when a phrase does not occur or an exclusion does.
 *
 * @throws InvalidInputError for a k1 or b out of range.
 * @example
 * const score = await bm25Score(db, { queryText: 'window seat', docText: 'Ana prefers window seats' })
 */
export async function bm25Score(db: Database, options: Bm25ScoreOptions): Promise<number> {
  checkOptions(options, {
    queryText: true,
    docText: true,
    k1: true,
    b: true,
  } satisfies OptionKeys<Bm25ScoreOptions>)
  const { queryText, docText, k1 = 1.2, b = 0.75 } = options
  checkText(queryText, 'queryText')
  checkText(docText, 'docText')
  const row = onlyRow(
    await readRows(
      db,
      sql`SELECT ${api(db)}bm25_score(${queryText}::text, ${docText}::text, ${String(k1)}::text::float8, ${String(b)}::text::float8) AS score`,
    ),
  )
  return toNumber(row.score)
}
