import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { InvalidInputError } from '../errors.ts'
import { hybridSearch } from '../search/hybrid-search.ts'
import {
  chooseFusion,
  crossValidate,
  type Difference,
  fusionGrid,
  pairedDifference,
  seededRandom,
  type Trial,
  type TunedMethod,
} from './choose-fusion.ts'
import { candidateUnion, type Fusion, fuse, offeredBy } from './fuse.ts'
import { type JudgedQuery, type PreparedQuery, prepareQueries } from './judged-queries.ts'
import { mean, ndcgAt, standardError } from './metrics.ts'

export interface TuneWeightsOptions {
  /** The k of the searches that the weights are for, and the places that nDCG looks at: 1 to 50; 10 by default. */
  readonly k?: number
  /** Parts that the queries are dealt into for cross-validation, 2 to 20; 5 by default. */
  readonly folds?: number
  /** The same seed deals the same folds; 1 by default. */
  readonly seed?: number
  /** Embeds the queries that have no vector. */
  readonly embedder?: Embedder
  /** Called after each query. */
  readonly onProgress?: (done: number, total: number) => void
}

const optionKeys = {
  k: true,
  folds: true,
  seed: true,
  embedder: true,
  onProgress: true,
} satisfies OptionKeys<TuneWeightsOptions>

/** A mean over the queries, 0 to 1. */
export interface Estimate {
  readonly mean: number
  readonly standardError: number
}

/** The weights: pass the result, or its `fusion`, `bm25Weight` and `vectorWeight`, to `hybridSearch` or `createMemory`. */
export interface TunedWeights extends Fusion {
  /** `bm25` or `vector` if that leg alone is the safest choice (the other's weight is 0). */
  readonly method: TunedMethod
  readonly queries: number
  /** nDCG at k. `tuned` is cross-validated: every query is scored by weights that were chosen without it. */
  readonly ndcg: Readonly<Record<'tuned' | 'bm25' | 'vector' | 'default', Estimate>>
  /** What tuning gains, cross-validated, over each of these, with a 95 % interval. */
  readonly gain: Readonly<Record<'bm25' | 'vector' | 'default', Difference>>
  /** `low` for fewer than 30 queries, or if neither the gain over the better leg nor that over the default is sure. */
  readonly confidence: 'high' | 'low'
  /** The same in a sentence or two, for people. */
  readonly explanation: string
  /** Every setting that was tried, with its mean on all queries. */
  readonly trials: readonly (Fusion & { readonly method: TunedMethod; readonly ndcg: number })[]
}

/** Fewer say nothing; below `enough` the result says that they say little. */
const fewest = 10
const enoughForWeights = 20
const enough = 30
const repeats = 10
const legs = { bm25: 'keyword search', vector: 'vector search' }
const defaultFusion: Fusion = { fusion: 'convex', bm25Weight: 0.5, vectorWeight: 0.5 }

/**
 * Finds the weights and the fusion under which `hybridSearch` answers judged queries best, and says how sure that is.
 *
 * Each query is searched once; all settings (both legs alone, convex and reciprocal ranks in steps) are then tried on
 * what came back, with hybrid_search's own formulas. Where one leg is surely the better one it is taken, unless a fusion
 * surely beats it; where neither is, a fusion of both. So the result is never worse than the better leg on the queries it
 * was tuned on; whether it is better on others is what the cross-validated numbers estimate. Fewer than 20 queries choose
 * between the legs only. The same data, queries and seed give the same result.
 *
 * Judge queries as your users ask them, at least 30, better 100; `relevant` should name all memories that answer.
 *
 * @throws InvalidInputError for fewer than 10 queries, a query without a vector (or an embedder to make it), or a filter
 *   key that changes scores; EmbedderError if the embedder fails.
 * @example
 * const tuned = await tuneWeights(db, judgedQueries)
 * console.log(tuned.explanation)
 * const { fusion, bm25Weight, vectorWeight } = tuned
 * await hybridSearch(db, { queryText, queryEmbedding, fusion, bm25Weight, vectorWeight })
 */
export async function tuneWeights(
  db: Database,
  judgedQueries: readonly JudgedQuery[],
  options: TuneWeightsOptions = {},
): Promise<TunedWeights> {
  checkOptions(options, optionKeys)
  const k = checkedInteger(options.k, 'k', { from: 1, to: 50, otherwise: 10 })
  const folds = checkedInteger(options.folds, 'folds', { from: 2, to: 20, otherwise: 5 })
  const seed = checkedInteger(options.seed, 'seed', { from: 0, to: 2 ** 32 - 1, otherwise: 1 })
  const queries = await prepareQueries(judgedQueries, options.embedder)
  checkTunable(queries, Math.max(fewest, folds))

  const trials = await tryAll(db, queries, k, options.onProgress)
  // Too few queries to tell one weight from another may still tell one leg from the other.
  const choices = queries.length < enoughForWeights ? trials.filter(isLeg) : trials
  const chosen = chooseFusion(choices, [...queries.keys()])
  const random = seededRandom(seed)
  const tuned = crossValidate(choices, queries.length, { folds, repeats, random })
  const others = {
    bm25: scoresOf(trials, { fusion: 'convex', bm25Weight: 1, vectorWeight: 0 }),
    vector: scoresOf(trials, { fusion: 'convex', bm25Weight: 0, vectorWeight: 1 }),
    default: scoresOf(trials, defaultFusion),
  }
  const ndcg = {
    tuned: estimate(tuned),
    bm25: estimate(others.bm25),
    vector: estimate(others.vector),
    default: estimate(others.default),
  }
  const gain = {
    bm25: pairedDifference(tuned, others.bm25, random),
    vector: pairedDifference(tuned, others.vector, random),
    default: pairedDifference(tuned, others.default, random),
  }
  const better = ndcg.bm25.mean >= ndcg.vector.mean ? 'bm25' : 'vector'
  const sure = [gain[better], gain.default].some(({ interval }) => interval[0] > 0)
  const { method, fusion, bm25Weight, vectorWeight } = chosen
  return {
    method,
    fusion,
    bm25Weight,
    vectorWeight,
    queries: queries.length,
    ndcg,
    gain,
    confidence: sure && queries.length >= enough ? 'high' : 'low',
    explanation: explain(chosen, queries.length, k, ndcg, gain, better),
    trials: trials.map(({ scores, ...trial }) => ({ ...trial, ndcg: mean(scores) })),
  }
}

/** The filter keys that choose rows; others would change scores in ways that fusing again does not know. */
const tunableFilters = ['namespace', 'speakerId', 'allTags', 'since', 'until', 'metadata', 'ids', 'fuzzy']

function checkTunable(queries: readonly PreparedQuery[], least: number): void {
  if (queries.length < least) {
    throw new InvalidInputError(
      `judgedQueries must be at least ${least} queries to learn from, got ${queries.length}`,
    )
  }
  queries.forEach(({ queryEmbedding, filter }, at) => {
    if (queryEmbedding === null) {
      throw new InvalidInputError(
        `judgedQueries[${at}] must have a queryEmbedding, unless options.embedder can make it; got none`,
      )
    }
    const unknown = Object.keys(filter).find((key) => !tunableFilters.includes(key))
    if (unknown !== undefined) {
      throw new InvalidInputError(
        `judgedQueries[${at}].filter must only have keys that choose rows (${tunableFilters.join(', ')}), got "${unknown}"`,
      )
    }
  })
}

/**
 * Scores every setting on every query, from one search a query. Under reciprocal ranks with equal weights a row whose
 * rank is n in one leg can only be beaten by rows of a rank below 60 + 2n in either leg, of which there are fewer than
 * 2 (60 + 2n): so the best 1000 hold all of both legs' best 220, which is what searches up to k = 55 fuse.
 */
async function tryAll(
  db: Database,
  queries: readonly PreparedQuery[],
  k: number,
  onProgress: TuneWeightsOptions['onProgress'],
): Promise<Trial[]> {
  const grid = fusionGrid().map((setting) => ({ ...setting, scores: [] as number[] }))
  for (const [at, { gains, ...query }] of queries.entries()) {
    const rows = await hybridSearch(db, { ...query, fusion: 'rrf', bm25Weight: 1, vectorWeight: 1, k: 1000 })
    const union = candidateUnion(rows, offeredBy(k))
    for (const setting of grid) setting.scores.push(ndcgAt(fuse(union, setting, k), gains, k))
    onProgress?.(at + 1, queries.length)
  }
  return grid
}

function isLeg({ method }: Trial): boolean {
  return method in legs
}

function scoresOf(trials: readonly Trial[], { fusion, bm25Weight, vectorWeight }: Fusion): readonly number[] {
  const trial = trials.find(
    (one) => one.fusion === fusion && one.bm25Weight === bm25Weight && one.vectorWeight === vectorWeight,
  )
  return trial?.scores ?? []
}

function estimate(scores: readonly number[]): Estimate {
  return { mean: mean(scores), standardError: standardError(scores) }
}

function explain(
  { method, bm25Weight, vectorWeight }: Trial,
  queries: number,
  k: number,
  ndcg: TunedWeights['ndcg'],
  gain: TunedWeights['gain'],
  better: 'bm25' | 'vector',
): string {
  const why = queries < enoughForWeights ? 'too few queries to weigh the legs' : 'no fusion was surely better'
  const choice =
    method === 'bm25' || method === 'vector'
      ? `${legs[method]} alone: ${why}`
      : `${method} with weights ${bm25Weight} (bm25) and ${vectorWeight} (vector)`
  const versus = (name: string, { mean: difference, interval, significant }: Difference) =>
    `${signed(difference)} against ${name} (95 % ${signed(interval[0])} to ${signed(interval[1])}${significant ? '' : ', not significant'})`
  return [
    `On ${queries} queries: ${choice}.`,
    `nDCG@${k} ${ndcg.tuned.mean.toFixed(3)} when cross-validated,`,
    `${versus(`${legs[better]}, the better leg`, gain[better])}, ${versus('the default weights', gain.default)}.`,
    ...(queries < enough ? [`Fewer than ${enough} queries: this may be chance.`] : []),
  ].join(' ')
}

function signed(value: number): string {
  const text = value.toFixed(3)
  return Number(text) === 0 ? '±0.000' : value < 0 ? text : `+${text}`
}
