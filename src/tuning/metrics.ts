/** How relevant each memory is to a query, above 0; a memory that is not in it is not relevant. */
export type Gains = ReadonlyMap<string, number>

/**
 * Normalised discounted cumulative gain of a ranking's first k places: `DCG / ideal DCG`, where
 * `DCG = sum of gain(rank) / log2(rank + 1)` and the ideal ranking has the highest gains first. 0 to 1; 0 if nothing is
 * relevant. The gain is the judgement itself (as trec_eval does), not `2^judgement - 1`.
 *
 * Source: Järvelin and Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, 2002.
 *
 * @param ranking distinct ids, best first
 * @example
 * ndcgAt(['a', 'b', 'c'], new Map([['a', 1], ['c', 1]]), 10) // (1 + 1/2) / (1 + 1/log2(3)) = 0.92
 */
export function ndcgAt(ranking: readonly string[], gains: Gains, k = 10): number {
  const ideal = discounted([...gains.values()].sort((one, other) => other - one).slice(0, k))
  if (ideal === 0) return 0
  return discounted(ranking.slice(0, k).map((id) => gains.get(id) ?? 0)) / ideal
}

/**
 * The share of the relevant memories that are among a ranking's first k places. 0 to 1; 0 if nothing is relevant.
 *
 * Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 8.3.
 *
 * @example
 * recallAt(['a', 'b'], new Map([['a', 1], ['c', 1]]), 100) // 0.5
 */
export function recallAt(ranking: readonly string[], gains: Gains, k = 100): number {
  const relevant = [...gains].filter(([, gain]) => gain > 0).map(([id]) => id)
  if (relevant.length === 0) return 0
  const found = new Set(ranking.slice(0, k))
  return relevant.filter((id) => found.has(id)).length / relevant.length
}

/**
 * 1 / the place of the first relevant memory, 0 if the ranking has none; its mean over queries is MRR.
 *
 * Source: Voorhees, The TREC-8 Question Answering Track Report, 1999.
 *
 * @example
 * reciprocalRank(['a', 'b'], new Map([['b', 1]])) // 0.5
 */
export function reciprocalRank(ranking: readonly string[], gains: Gains): number {
  const at = ranking.findIndex((id) => (gains.get(id) ?? 0) > 0)
  return at < 0 ? 0 : 1 / (at + 1)
}

/** The arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The standard error of the mean, from the sample's standard deviation (n - 1); 0 of fewer than two values. */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0
  const centre = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1) / values.length)
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, at) => sum + gain / Math.log2(at + 2), 0)
}
