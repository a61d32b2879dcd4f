import type { Fusion } from './fuse.ts'
import { mean, standardError } from './metrics.ts'

export type TunedMethod = 'bm25' | 'vector' | 'convex' | 'rrf'

/** A setting that was tried, with what each judged query scored under it. */
export interface Trial extends Fusion {
  readonly method: TunedMethod
  readonly scores: readonly number[]
}

/** Standard errors by which a setting must win to be taken for better: 95 %, one-sided. */
const sure = 1.645

/** Every setting that is tried: the two legs alone, convex in steps of 0.05, reciprocal ranks in steps of 0.1. */
export function fusionGrid(): (Fusion & { method: TunedMethod })[] {
  const grid: (Fusion & { method: TunedMethod })[] = []
  for (let step = 0; step <= 20; step++) {
    const method = step === 0 ? 'bm25' : step === 20 ? 'vector' : 'convex'
    grid.push({ method, fusion: 'convex', bm25Weight: (20 - step) / 20, vectorWeight: step / 20 })
  }
  for (let step = 1; step <= 9; step++) {
    grid.push({ method: 'rrf', fusion: 'rrf', bm25Weight: (10 - step) / 10, vectorWeight: step / 10 })
  }
  return grid
}

/**
 * The setting to use, judged by the queries at these places only. Where one leg surely beats the other (by 1.645 standard
 * errors of the paired difference) it is that leg, unless the best convex setting surely beats it in turn; where neither
 * does, the best of the legs and the convex settings, because a fusion is the safer choice among equals. And that, unless
 * the best reciprocal-rank setting surely beats it. The best of many settings on few queries is best by luck in part; the
 * threshold keeps luck from being taken for merit, and the choice from ever scoring below the better leg on these queries.
 *
 * Source: after the one-standard-error rule of Breiman, Friedman, Olshen and Stone, Classification and Regression
 * Trees, 1984.
 */
export function chooseFusion(trials: readonly Trial[], places: readonly number[]): Trial {
  const ofMethods = (...methods: TunedMethod[]) => trials.filter(({ method }) => methods.includes(method))
  const unlessBeaten = (chosen: Trial, settings: readonly Trial[]) => {
    const rival = settings.length === 0 ? chosen : best(settings, places)
    return beats(rival, chosen, places) ? rival : chosen
  }
  const legs = ofMethods('bm25', 'vector')
  const leg = best(legs, places)
  const isSure = legs.every((other) => other === leg || beats(leg, other, places))
  const convex = ofMethods('convex')
  const chosen = isSure ? unlessBeaten(leg, convex) : best([leg, ...convex], places)
  return unlessBeaten(chosen, ofMethods('rrf'))
}

/** The first of the best: in the grid's order, so that a tie is always broken alike. */
function best(trials: readonly Trial[], places: readonly number[]): Trial {
  return trials.reduce((leader, trial) => (meanAt(trial, places) > meanAt(leader, places) ? trial : leader))
}

function beats(rival: Trial, chosen: Trial, places: readonly number[]): boolean {
  const differences = places.map((at) => (rival.scores[at] as number) - (chosen.scores[at] as number))
  return mean(differences) > sure * standardError(differences) + 1e-12
}

function meanAt(trial: Trial, places: readonly number[]): number {
  return mean(places.map((at) => trial.scores[at] as number))
}

export interface CrossValidation {
  readonly folds: number
  readonly repeats: number
  readonly random: () => number
}

/**
 * What each query scores under settings chosen without it: the queries are dealt into folds, and each fold is scored by
 * what the others chose. Repeated with new folds, and averaged for each query.
 */
export function crossValidate(
  trials: readonly Trial[],
  queries: number,
  { folds, repeats, random }: CrossValidation,
): number[] {
  const totals = new Array<number>(queries).fill(0)
  for (let repeat = 0; repeat < repeats; repeat++) {
    const order = shuffled(queries, random)
    for (let fold = 0; fold < folds; fold++) {
      const chosen = chooseFusion(
        trials,
        order.filter((_, at) => at % folds !== fold),
      )
      for (let at = fold; at < queries; at += folds) {
        const query = order[at] as number
        totals[query] = (totals[query] as number) + (chosen.scores[query] as number)
      }
    }
  }
  return totals.map((total) => total / repeats)
}

function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, at) => at)
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[order[at], order[other]] = [order[other] as number, order[at] as number]
  }
  return order
}

/** A mean difference, and how sure it is. */
export interface Difference {
  readonly mean: number
  readonly standardError: number
  /** 95 % of the bootstrap samples lie between these. */
  readonly interval: readonly [number, number]
  /** Whether the interval leaves out 0. */
  readonly significant: boolean
}

/**
 * How far two methods differ on the same queries: the paired bootstrap's percentile interval over 2,000 resamples.
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; for retrieval Sakai, 2006.
 */
export function pairedDifference(
  one: readonly number[],
  other: readonly number[],
  random: () => number,
): Difference {
  const differences = one.map((score, at) => score - (other[at] as number))
  const resamples = 2000
  const means = Array.from({ length: resamples }, () =>
    mean(differences.map(() => differences[Math.floor(random() * differences.length)] as number)),
  ).sort((left, right) => left - right)
  const interval = [means[Math.floor(0.025 * resamples)], means[Math.ceil(0.975 * resamples) - 1]] as [
    number,
    number,
  ]
  return {
    mean: mean(differences),
    standardError: standardError(differences),
    interval,
    significant: interval[0] > 0 || interval[1] < 0,
  }
}

/** Numbers from 0 to 1 that follow from the seed alone (Mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
