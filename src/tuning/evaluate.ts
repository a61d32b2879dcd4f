import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { InvalidInputError } from '../errors.ts'
import { bm25Search } from '../search/bm25-search.ts'
import { hybridSearch } from '../search/hybrid-search.ts'
import { vectorSearch } from '../search/vector-search.ts'
import type { Fusion } from './fuse.ts'
import { type JudgedQuery, type PreparedQuery, prepareQueries } from './judged-queries.ts'
import { mean, ndcgAt, recallAt, reciprocalRank, standardError } from './metrics.ts'

export interface EvaluateOptions<Name extends string = never> {
  /** More methods to measure: hybrid searches with these weights, for example what `tuneWeights` found. */
  readonly methods?: Readonly<Record<Name, Fusion>>
  /** Places that nDCG looks at, 1 to 1000; 10 by default. */
  readonly ndcgAt?: number
  /** Places that recall and MRR look at, 1 to 1000; 100 by default. */
  readonly recallAt?: number
  /** Embeds the queries that have no vector. */
  readonly embedder?: Embedder
  /** Called after each query. */
  readonly onProgress?: (done: number, total: number) => void
}

const optionKeys = {
  methods: true,
  ndcgAt: true,
  recallAt: true,
  embedder: true,
  onProgress: true,
} satisfies OptionKeys<EvaluateOptions>

/** Means over the queries, each 0 to 1. */
export interface MethodScores {
  readonly ndcg: number
  /** How far `ndcg` may be off because these are the queries that were judged, and not others. */
  readonly ndcgStandardError: number
  readonly recall: number
  /** Mean reciprocal rank. */
  readonly mrr: number
}

export type StandardMethod = 'bm25' | 'vector' | 'rrf' | 'convex'

export interface Evaluation<Name extends string = never> {
  readonly queries: number
  readonly methods: Readonly<Record<StandardMethod | Name, MethodScores>>
  /** nDCG of each query, in their order: for comparing two methods query by query. */
  readonly ndcgByQuery: Readonly<Record<StandardMethod | Name, readonly number[]>>
}

/** Both legs with the same weight, as hybrid_search does when told nothing else. */
const standard: Readonly<Record<'rrf' | 'convex', Fusion>> = {
  rrf: { fusion: 'rrf', bm25Weight: 0.5, vectorWeight: 0.5 },
  convex: { fusion: 'convex', bm25Weight: 0.5, vectorWeight: 0.5 },
}

/**
 * Measures how well each method finds what was judged relevant: `bm25`, `vector`, `rrf` and `convex` (default weights),
 * and the weights that are given. Every number comes from the searches themselves, one for each query and method, with
 * k = the larger of `ndcgAt` and `recallAt`. A query without a vector finds nothing by vector, and by hybrid search what
 * its words find.
 *
 * @throws InvalidInputError for a query without a relevant memory, and whatever the searches refuse.
 * @example
 * const { methods } = await evaluate(db, [{ queryText: 'window seat', queryEmbedding, relevant: [id] }])
 * console.table(methods)
 * @see metrics.ts for the formulas and their sources
 */
export async function evaluate<Name extends string = never>(
  db: Database,
  judgedQueries: readonly JudgedQuery[],
  options: EvaluateOptions<Name> = {},
): Promise<Evaluation<Name>> {
  checkOptions(options, optionKeys)
  const places = { from: 1, to: 1000 }
  const ndcgPlaces = checkedInteger(options.ndcgAt, 'ndcgAt', { ...places, otherwise: 10 })
  const recallPlaces = checkedInteger(options.recallAt, 'recallAt', { ...places, otherwise: 100 })
  const k = Math.max(ndcgPlaces, recallPlaces)
  const given = Object.entries<Fusion>(options.methods ?? {})
  const clash = given.find(([name]) => ['bm25', 'vector', 'rrf', 'convex'].includes(name))
  if (clash) throw new InvalidInputError(`methods must have names of their own, got "${clash[0]}"`)
  const fusions = [...Object.entries(standard), ...given]
  const queries = await prepareQueries(judgedQueries, options.embedder)

  const rankings = new Map<string, string[][]>()
  const add = (method: string, rows: readonly { id: string }[]) => {
    const all = rankings.get(method) ?? []
    all.push(rows.map((row) => row.id))
    rankings.set(method, all)
  }
  for (const [at, { gains: _, ...query }] of queries.entries()) {
    const { queryEmbedding } = query
    add('bm25', await bm25Search(db, { ...query, k }))
    add('vector', queryEmbedding === null ? [] : await vectorSearch(db, { ...query, queryEmbedding, k }))
    for (const [name, fusion] of fusions) add(name, await hybridSearch(db, { ...query, ...fusion, k }))
    options.onProgress?.(at + 1, queries.length)
  }

  type Method = StandardMethod | Name
  const scored = [...rankings].map(
    ([name, lists]) => [name, scores(lists, queries, ndcgPlaces, recallPlaces)] as const,
  )
  return {
    queries: queries.length,
    methods: Object.fromEntries(scored.map(([name, { ndcgs: _, ...rest }]) => [name, rest])) as Record<
      Method,
      MethodScores
    >,
    ndcgByQuery: Object.fromEntries(scored.map(([name, { ndcgs }]) => [name, ndcgs])) as Record<
      Method,
      number[]
    >,
  }
}

function scores(lists: string[][], queries: PreparedQuery[], ndcgPlaces: number, recallPlaces: number) {
  const each = (metric: (ranking: string[], gains: PreparedQuery['gains']) => number) =>
    queries.map((query, at) => metric(lists[at] ?? [], query.gains))
  const ndcgs = each((ranking, gains) => ndcgAt(ranking, gains, ndcgPlaces))
  return {
    ndcgs,
    ndcg: mean(ndcgs),
    ndcgStandardError: standardError(ndcgs),
    recall: mean(each((ranking, gains) => recallAt(ranking, gains, recallPlaces))),
    mrr: mean(each((ranking, gains) => reciprocalRank(ranking.slice(0, recallPlaces), gains))),
  }
}
