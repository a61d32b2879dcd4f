import { sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { type Row, toDate, toJson, toNumber, toTexts } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { filterSql, type PagedFilter, type SearchOptions, textArraySql } from './search-filter.ts'
import { searchKeys } from './search-keys.ts'

/** What every search gives of a row. */
export interface SearchResult {
  readonly id: string
  readonly text: string
  readonly tags: string[]
  readonly createdAt: Date
}

/**
 * Which of the query's words were corrected, because no memory that passes the filter has them: each as it was typed, and the
 * lexeme that was taken for it.
 */
export type Corrections = Readonly<Record<string, string>>

export interface Bm25Result extends SearchResult {
  /** BM25, above 0. */
  readonly score: number
  /** Where a word of the query was corrected: the same for all results. */
  readonly corrections?: Corrections
}

export interface Bm25SearchOptions extends SearchOptions {
  /** Words, `"phrases"` that must occur, `-exclusions` that must not; prose where `filter.operators` is false. */
  readonly queryText: string
  readonly filter?: PagedFilter
}

/**
 * Finds memories by keyword: the k best by BM25, best first, among those that share a word with the query.
 *
 * @throws InvalidInputError for a k, a tag or a filter that the SQL function refuses.
 * @example
 * const results = await bm25Search(db, { queryText: 'window seat', k: 3 })
 * // SELECT * FROM bm25_search('window seat', '{}', 3, '{}')
 * @example
 * const { score, id } = results.at(-1)
 * const nextPage = await bm25Search(db, { queryText: 'window seat', k: 3, filter: { after: { score, id } } })
 */
export async function bm25Search(db: Database, options: Bm25SearchOptions): Promise<Bm25Result[]> {
  checkOptions(options, searchKeys)
  const { queryText, queryTags, k = 10, filter } = options
  checkText(queryText, 'queryText')
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}bm25_search_corrected(${queryText}::text, ${textArraySql(queryTags)}, ${limitSql(k)}, ${filterSql(filter)})`,
  )
  return rows.map((row) => ({
    ...searchResult(row),
    score: toNumber(row.score),
    ...correctionsOf(row),
  }))
}

export function correctionsOf(row: Row): { corrections?: Corrections } {
  return row.corrections === null ? {} : { corrections: toJson<Corrections>(row.corrections) }
}

/** The columns that every search has. */
export function searchResult(row: Row): SearchResult {
  return {
    id: String(row.id),
    text: String(row.text),
    // postgres.js leaves arrays as text when told not to fetch the types (fetch_types: false).
    tags: toTexts(row.tags),
    createdAt: toDate(row.created_at),
  }
}

/** k as a parameter that every driver passes alike: as text. */
export function limitSql(k: number) {
  return sql`${String(checkedInteger(k, 'k', { from: 1, to: 1000, otherwise: 10 }))}::text::integer`
}
