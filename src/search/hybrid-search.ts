import { sql } from 'drizzle-orm'
import { checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { toNumber, toNumberOrNull } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { type Embedding, embeddingSql } from '../embedding/embedding.ts'
import { type Corrections, correctionsOf, limitSql, type SearchResult, searchResult } from './bm25-search.ts'
import { filterSql, type HybridFilter, type SearchOptions, textArraySql } from './search-filter.ts'
import { searchKeys } from './search-keys.ts'

export interface HybridResult extends SearchResult {
  /** 0 if the row shares no word with the query. */
  readonly bm25Score: number
  /** Cosine similarity, -1 to 1; null if the row has no embedding, or the query none. */
  readonly vectorScore: number | null
  readonly combinedScore: number
  /** 1 is best, within the union of both legs; null if the row shares no word with the query. */
  readonly bm25Rank: number | null
  readonly vectorRank: number | null
  /** Where a word of the query was corrected: the same for all results. */
  readonly corrections?: Corrections
}

export interface HybridSearchOptions extends SearchOptions {
  /** Empty, null or without a word: vector search. Prose where `filter.operators` is false. */
  readonly queryText?: string | null
  /** Null: keyword search. */
  readonly queryEmbedding?: Embedding | null
  /** From 0; 0.5 by default. Not both 0. */
  readonly bm25Weight?: number
  readonly vectorWeight?: number
  /** How the legs become one score: `convex` (default) by normalised scores, `rrf` by reciprocal ranks. */
  readonly fusion?: 'convex' | 'rrf'
  readonly filter?: HybridFilter
}

/**
 * Finds memories by keyword and by meaning together. The union of both legs is scored on both, so no row is punished for
 * not having been offered by one; the formulas are in the SQL function's header.
 *
 * @throws InvalidInputError as both searches, for weights that cannot be, and if neither text nor vector is given.
 * @example
 * const results = await hybridSearch(db, { queryText: question, queryEmbedding: await embed(question), k: 5 })
 * @example
 * // What is a month old counts half, and no two results say the same.
 * await hybridSearch(db, { queryText: question, filter: { recency: 30, importance: 0.5, diversity: 0.7 } })
 */
export async function hybridSearch(db: Database, options: HybridSearchOptions): Promise<HybridResult[]> {
  checkOptions(options, searchKeys)
  const { queryText = null, queryEmbedding, queryTags, k = 10, filter } = options
  const { bm25Weight = 0.5, vectorWeight = 0.5, fusion = 'convex' } = options
  if (queryText !== null) checkText(queryText, 'queryText')
  checkText(fusion, 'fusion')
  const rows = await readRows(
    db,
    sql`
      SELECT * FROM ${api(db)}hybrid_search_corrected(
        ${queryText}::text, ${embeddingSql(queryEmbedding, 'queryEmbedding')}, ${textArraySql(queryTags)}, ${limitSql(k)},
        ${String(bm25Weight)}::text::float8, ${String(vectorWeight)}::text::float8, ${filterSql(filter)}, ${fusion}::text
      )
    `,
  )
  return rows.map((row) => ({
    ...searchResult(row),
    bm25Score: toNumber(row.bm25_score),
    vectorScore: toNumberOrNull(row.vector_score),
    combinedScore: toNumber(row.combined_score),
    bm25Rank: toNumberOrNull(row.bm25_rank),
    vectorRank: toNumberOrNull(row.vector_rank),
    ...correctionsOf(row),
  }))
}
