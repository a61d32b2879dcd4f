/** The relevant documents of one query, by how relevant they are (1 where judges only said yes). */
export type Judgements = ReadonlyMap<string, number>

/**
 * Normalised discounted cumulative gain of the first k: the gain of a document is its relevance, discounted by
 * log2(place + 1), and divided by what the best order of all relevant documents would have. 1 is perfect.
 *
 * Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002.
 */
export function ndcg(ranking: readonly string[], judgements: Judgements, k: number): number {
  const best = [...judgements.values()].sort((one, other) => other - one)
  const ideal = discountedGain(best.slice(0, k))
  if (ideal === 0) return 0
  return discountedGain(ranking.slice(0, k).map((id) => judgements.get(id) ?? 0)) / ideal
}

/** The share of the relevant documents that are among the first k. */
export function recall(ranking: readonly string[], judgements: Judgements, k: number): number {
  const relevant = [...judgements.values()].filter((relevance) => relevance > 0).length
  if (relevant === 0) return 0
  return ranking.slice(0, k).filter((id) => (judgements.get(id) ?? 0) > 0).length / relevant
}

/** 1 / the place of the first relevant document; 0 if none is among the first k. */
export function reciprocalRank(ranking: readonly string[], judgements: Judgements, k: number): number {
  const at = ranking.slice(0, k).findIndex((id) => (judgements.get(id) ?? 0) > 0)
  return at < 0 ? 0 : 1 / (at + 1)
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length
}

function discountedGain(gains: readonly number[]): number {
  return gains.reduce((total, gain, at) => total + gain / Math.log2(at + 2), 0)
}
