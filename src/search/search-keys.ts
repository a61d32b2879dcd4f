import type { OptionKeys } from '../database/options.ts'
import type { Bm25SearchOptions } from './bm25-search.ts'
import type { HybridSearchOptions } from './hybrid-search.ts'
import type { VectorSearchOptions } from './vector-search.ts'

/** The options of all searches together: whoever compares them passes the same to each, and each takes what it knows. */
export const searchKeys = {
  queryText: true,
  queryEmbedding: true,
  queryTags: true,
  k: true,
  filter: true,
  bm25Weight: true,
  vectorWeight: true,
  fusion: true,
} satisfies OptionKeys<Bm25SearchOptions & VectorSearchOptions & HybridSearchOptions>
