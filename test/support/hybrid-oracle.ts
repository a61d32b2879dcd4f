import type { HybridResult, SearchFilter } from '../../src/index.ts'
import {
  bestFirst,
  bm25Oracle,
  type OracleRow,
  passes,
  type QueryMeaning,
  type Scored,
} from './bm25-oracle.ts'
import { cosine } from './fixtures.ts'

export interface HybridOptions {
  readonly tags?: readonly string[]
  readonly filter?: SearchFilter
  readonly k: number
  readonly bm25Weight: number
  readonly vectorWeight: number
  readonly fusion: 'convex' | 'rrf'
}

export type HybridExpected = Pick<
  HybridResult,
  'id' | 'bm25Score' | 'vectorScore' | 'combinedScore' | 'bm25Rank' | 'vectorRank'
>

/** Every row that vector_search may return, best first: cosine in double precision. */
export function vectorOracle(
  corpus: readonly OracleRow[],
  queryEmbedding: readonly number[],
  tags: readonly string[] = [],
  filter: SearchFilter = {},
): Scored[] {
  return corpus
    .filter((row) => passes(row, tags, filter))
    .flatMap((row) =>
      row.embedding === null ? [] : [{ id: row.id, score: cosine(row.embedding, queryEmbedding) }],
    )
    .sort(bestFirst)
}

/** All candidates of hybrid_search, best first, before k cuts them off. */
export function hybridOracle(
  corpus: readonly OracleRow[],
  meaning: QueryMeaning,
  queryEmbedding: readonly number[] | null,
  { tags = [], filter = {}, k, bm25Weight, vectorWeight, fusion }: HybridOptions,
): HybridExpected[] {
  const keyword = bm25Oracle(corpus, meaning, tags, filter)
  const permitted = corpus.filter((row) => meaning.permitted.has(row.id))
  const nearest = queryEmbedding === null ? [] : vectorOracle(permitted, queryEmbedding, tags, filter)
  const offered = Math.max(100, 4 * k)
  const union = new Set([...keyword.slice(0, offered), ...nearest.slice(0, offered)].map((row) => row.id))
  const keywordLeg = keyword.filter((row) => union.has(row.id))
  const vectorLeg = nearest.filter((row) => union.has(row.id))
  const bestKeyword = keywordLeg[0]?.score ?? 0
  const bestVector = (vectorLeg[0]?.score ?? -1) + 1

  return [...union]
    .map((id) => {
      const bm25At = keywordLeg.findIndex((row) => row.id === id)
      const vectorAt = vectorLeg.findIndex((row) => row.id === id)
      const bm25 = keywordLeg[bm25At]?.score ?? 0
      const similarity = vectorLeg[vectorAt]?.score ?? null
      const share = (value: number, best: number) => (best > 0 ? value / best : 0)
      const convex =
        (bm25Weight * share(bm25, bestKeyword) +
          vectorWeight * (similarity === null ? 0 : share(similarity + 1, bestVector))) /
        (bm25Weight + vectorWeight)
      const rrf =
        (bm25At < 0 ? 0 : bm25Weight / (61 + bm25At)) + (vectorAt < 0 ? 0 : vectorWeight / (61 + vectorAt))
      return {
        id,
        bm25Score: bm25,
        vectorScore: similarity,
        combinedScore: fusion === 'convex' ? convex : rrf,
        bm25Rank: bm25At < 0 ? null : bm25At + 1,
        vectorRank: vectorAt < 0 ? null : vectorAt + 1,
      }
    })
    .sort((one, other) =>
      bestFirst({ id: one.id, score: one.combinedScore }, { id: other.id, score: other.combinedScore }),
    )
}
