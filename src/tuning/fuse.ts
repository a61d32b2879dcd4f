import type { HybridResult } from '../search/hybrid-search.ts'

/** How `hybridSearch` makes one score of two. */
export interface Fusion {
  readonly fusion: 'convex' | 'rrf'
  readonly bm25Weight: number
  readonly vectorWeight: number
}

/** What fusion needs of a row. A `HybridResult` is one. */
export type Candidate = Pick<HybridResult, 'id' | 'bm25Score' | 'vectorScore' | 'bm25Rank'>

/** A query's candidate union, read for fusing it again under many weights: columns, so that a pass allocates little. */
export interface CandidateUnion {
  readonly ids: readonly string[]
  /** BM25 by its maximum, 0 to 1. */
  readonly bm25: Float64Array
  /** Cosine by its theoretical minimum -1 and its maximum, 0 to 1. */
  readonly similarity: Float64Array
  /** From 1; infinite where the row does not have that score. */
  readonly bm25Rank: Float64Array
  readonly vectorRank: Float64Array
}

/** The rows that each leg of hybrid_search offers to the union for its `k`. */
export function offeredBy(k: number): number {
  return Math.max(100, 4 * k)
}

/**
 * The union that hybrid_search makes when each leg offers its best `offered` rows, rebuilt from a longer list: scores
 * normalised and rows ranked within it, as the function's header says.
 */
export function candidateUnion(rows: readonly Candidate[], offered: number): CandidateUnion {
  const keyword = bestFirst(rows, keywordScore).slice(0, offered)
  const nearest = bestFirst(rows, vectorScore).slice(0, offered)
  const union = [...new Set([...keyword, ...nearest])]
  const place = new Map(union.map((row, at) => [row, at]))
  const ranks = (score: Score) => {
    const column = new Float64Array(union.length).fill(Number.POSITIVE_INFINITY)
    bestFirst(union, score).forEach((row, at) => {
      column[place.get(row) as number] = at + 1
    })
    return column
  }
  const best = (score: Score) => union.reduce((most, row) => Math.max(most, score(row) ?? most), -1)
  const bestBm25 = best(keywordScore)
  const bestSimilarity = best(vectorScore)
  return {
    ids: union.map((row) => row.id),
    bm25: Float64Array.from(union, (row) => ratio(row.bm25Score, bestBm25)),
    similarity: Float64Array.from(union, (row) => ratio((row.vectorScore ?? -1) + 1, bestSimilarity + 1)),
    bm25Rank: ranks(keywordScore),
    vectorRank: ranks(vectorScore),
  }
}

/**
 * The ids of a union, best first, at most k: hybrid_search's formulas in its order of operations, so that equal scores
 * are equal here too, and ties break by the ids' bytes.
 */
export function fuse(
  union: CandidateUnion,
  { fusion, bm25Weight, vectorWeight }: Fusion,
  k: number,
): string[] {
  const { ids, bm25, similarity, bm25Rank, vectorRank } = union
  const scores = new Float64Array(ids.length)
  for (let at = 0; at < scores.length; at++) {
    scores[at] =
      fusion === 'convex'
        ? (bm25Weight * (bm25[at] as number) + vectorWeight * (similarity[at] as number)) /
          (bm25Weight + vectorWeight)
        : bm25Weight / (60 + (bm25Rank[at] as number)) + vectorWeight / (60 + (vectorRank[at] as number))
  }
  return Array.from(ids.keys())
    .sort(
      (one, other) =>
        (scores[other] as number) - (scores[one] as number) ||
        compareBytes(ids[one] as string, ids[other] as string),
    )
    .slice(0, k)
    .map((at) => ids[at] as string)
}

type Score = (row: Candidate) => number | null

const keywordScore: Score = (row) => (row.bm25Rank === null ? null : row.bm25Score)
const vectorScore: Score = (row) => row.vectorScore

/** The rows that have the score, as SQL orders them. */
function bestFirst(rows: readonly Candidate[], score: Score): Candidate[] {
  return rows
    .filter((row) => score(row) !== null)
    .sort((one, other) => (score(other) as number) - (score(one) as number) || compareBytes(one.id, other.id))
}

/** A range of zero gives 0. */
function ratio(value: number, range: number): number {
  return range > 0 ? value / range : 0
}

/** The order of `COLLATE "C"`: by UTF-8 bytes, which differs from JavaScript's beyond the basic plane. */
function compareBytes(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other))
}
