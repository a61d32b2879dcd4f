import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import type { Embedding } from '../embedding/embedding.ts'
import { type HybridResult, hybridSearch } from './hybrid-search.ts'
import type { HybridFilter } from './search-filter.ts'

export interface RecallOptions {
  readonly question: string
  /** The question's embedding; without one, memories are found by keyword alone. */
  readonly embedding?: Embedding | null
  readonly namespace?: string
  /** Memories with any of these tags. */
  readonly tags?: readonly string[]
  /** How many, 1 to 1000; 5 by default. */
  readonly k?: number
  readonly filter?: HybridFilter
}

export const recallKeys = {
  question: true,
  embedding: true,
  namespace: true,
  tags: true,
  k: true,
  filter: true,
} satisfies OptionKeys<RecallOptions>

/**
 * Recalls what helps to answer a question: `hybridSearch` with the everyday options. The question is prose: quotes and minuses
 * are characters, unless `filter.operators` is true.
 *
 * @throws as `hybridSearch`.
 * @example
 * const memories = await recall(db, { question: 'Where does Ana like to sit?', namespace: 'ana' })
 */
export async function recall(db: Database, options: RecallOptions): Promise<HybridResult[]> {
  checkOptions(options, recallKeys)
  const { question, embedding = null, namespace, tags = [], k = 5, filter = {} } = options
  return hybridSearch(db, {
    queryText: question,
    queryEmbedding: embedding,
    queryTags: tags,
    k,
    filter: { operators: false, ...filter, ...(namespace === undefined ? {} : { namespace }) },
  })
}
