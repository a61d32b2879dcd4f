import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { type Embedding, embeddingSql } from '../embedding/embedding.ts'
import { limitSql, type SearchResult, searchResult } from './bm25-search.ts'
import { filterSql, type PagedFilter, type SearchOptions, textArraySql } from './search-filter.ts'
import { searchKeys } from './search-keys.ts'

export interface VectorResult extends SearchResult {
  /** 1 - cosine distance, -1 to 1. */
  readonly similarity: number
}

export interface VectorSearchOptions extends SearchOptions {
  /** Not all zero, and of the model that the memories were embedded by: see `embeddingModel`. */
  readonly queryEmbedding: Embedding
  readonly filter?: PagedFilter
}

/**
 * Finds memories by meaning: the k whose embeddings are nearest by cosine, best first.
 *
 * @throws InvalidInputError for a vector without a direction or of another length, or a filter that is refused.
 * @example
 * const results = await vectorSearch(db, { queryEmbedding: await embed('where does Ana like to sit?'), k: 3 })
 */
export async function vectorSearch(db: Database, options: VectorSearchOptions): Promise<VectorResult[]> {
  checkOptions(options, searchKeys)
  const { queryEmbedding, queryTags, k = 10, filter } = options
  const rows = await readRows(
    db,
    sql`SELECT * FROM ${api(db)}vector_search(${embeddingSql(queryEmbedding, 'queryEmbedding')}, ${textArraySql(queryTags)}, ${limitSql(k)}, ${filterSql(filter)})`,
  )
  return rows.map((row) => ({ ...searchResult(row), similarity: toNumber(row.similarity) }))
}
