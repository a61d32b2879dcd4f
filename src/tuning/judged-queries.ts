import { checkText } from '../database/check.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { type Embedder, embedEach } from '../embedding/embedder.ts'
import type { Embedding } from '../embedding/embedding.ts'
import { EmbedderError, InvalidInputError } from '../errors.ts'
import type { SearchFilter } from '../search/search-filter.ts'
import type { Gains } from './metrics.ts'

/** A query, and which memories answer it. */
export interface JudgedQuery {
  readonly queryText: string
  /** The query's vector, unless an embedder is given that makes it. */
  readonly queryEmbedding?: Embedding | null
  /** The ids of the memories that are relevant, or how much each one is: a number from 0. At least one above 0. */
  readonly relevant: readonly string[] | Readonly<Record<string, number>>
  readonly queryTags?: readonly string[]
  readonly filter?: SearchFilter
}

const judgedKeys = {
  queryText: true,
  queryEmbedding: true,
  relevant: true,
  queryTags: true,
  filter: true,
} satisfies OptionKeys<JudgedQuery>

/** A judged query that has been checked, with its vector where there is one. */
export interface PreparedQuery {
  readonly queryText: string
  readonly queryEmbedding: Embedding | null
  readonly gains: Gains
  readonly queryTags: readonly string[]
  readonly filter: SearchFilter
}

/** Checks judged queries and embeds those without a vector. @throws InvalidInputError, EmbedderError */
export async function prepareQueries(
  queries: readonly JudgedQuery[],
  embedder?: Embedder,
): Promise<PreparedQuery[]> {
  if (!Array.isArray(queries) || queries.length === 0) {
    throw new InvalidInputError(
      `judgedQueries must be an array of at least one query, got ${Array.isArray(queries) ? 'none' : typeof queries}`,
    )
  }
  const prepared = queries.map((query: JudgedQuery, at) => {
    checkText(query?.queryText, `judgedQueries[${at}].queryText`)
    checkOptions(query, judgedKeys, `judgedQueries[${at}]`)
    const { queryText, queryEmbedding = null, queryTags = [], filter = {} } = query
    return {
      queryText,
      queryEmbedding,
      queryTags,
      filter,
      gains: gainsOf(query.relevant, `judgedQueries[${at}]`),
    }
  })
  if (embedder === undefined) return prepared
  const missing = prepared.filter((query) => query.queryEmbedding === null)
  const vectors = await embedEach(
    embedder,
    missing.map((query) => query.queryText),
  )
  const made = new Map(missing.map((query, at) => [query, vectors[at]]))
  return prepared.map((query) => {
    const vector = made.get(query)
    if (vector instanceof EmbedderError) throw vector
    return vector === undefined ? query : { ...query, queryEmbedding: vector }
  })
}

function gainsOf(relevant: JudgedQuery['relevant'], where: string): Gains {
  if (typeof relevant !== 'object' || relevant === null) {
    throw new InvalidInputError(`${where}.relevant must be ids, or gains by id, got ${String(relevant)}`)
  }
  const gains: Map<string, number> = Array.isArray(relevant)
    ? new Map(relevant.map((id) => [id, 1]))
    : new Map(Object.entries(relevant))
  for (const [id, gain] of gains) {
    checkText(id, `${where}.relevant`)
    if (typeof gain !== 'number' || !Number.isFinite(gain) || gain < 0) {
      throw new InvalidInputError(
        `${where}.relevant must have numbers from 0, got ${String(gain)} for "${id}"`,
      )
    }
  }
  if (![...gains.values()].some((gain) => gain > 0)) {
    throw new InvalidInputError(`${where}.relevant must have at least one memory, got none`)
  }
  return gains
}
