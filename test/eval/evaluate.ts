import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import {
  bm25Search,
  hybridSearch,
  ndcgAt,
  recallAt,
  reciprocalRank,
  rememberMany,
  type TunedWeights,
  tuneWeights,
  vectorSearch,
} from '../../src/index.ts'
import { mean } from '../../src/tuning/metrics.ts'
import { type Collection, plainWords, type Vectors } from './collections.ts'

export interface Scores {
  readonly ndcg10: number
  readonly recall100: number
  readonly mrr10: number
}

export interface MethodScores extends Scores {
  /** As in reference_scores.json, or `convex …` and `tuned …`, which the reference does not have. */
  readonly method: string
}

/** `bm25` on texts and queries as they are written; the reference has none, because its tokeniser is another. */
const asWritten = 'bm25 as written'

export type Progress = (step: string, done: number, total: number) => void

/**
 * Fills an empty database with a collection and asks all its queries by each method. The database must hold nothing
 * else: BM25's statistics are over all rows.
 */
export async function evaluateCollection(
  db: Database,
  collection: Collection,
  progress: Progress = () => {},
): Promise<MethodScores[]> {
  const ask = (method: string, search: Search, isFusion = false) =>
    askAll(collection, search, isFusion, (done, total) => progress(method, done, total)).then((scores) => ({
      method,
      ...scores,
    }))

  // The reference corrects no typing errors, and the queries have words that no document has.
  const filter = { fuzzy: false }
  const byKeyword: Search = ({ text }, k) => bm25Search(db, { queryText: text, k, filter })
  await loadDocuments(db, collection.documents, undefined, (done, total) => progress('loading', done, total))
  const results = [await ask(asWritten, byKeyword)]
  const plain = collection.documents.map(({ id, text }) => ({ id, text: plainWords(text) }))
  await loadDocuments(db, plain, undefined, (done, total) => progress('loading plain words', done, total))
  results.push(await ask('bm25', (query, k) => byKeyword({ ...query, text: plainWords(query.text) }, k)))
  for (const [set, vectors] of collection.vectors) {
    await loadDocuments(db, plain, vectors, (done, total) => progress(`loading ${set}`, done, total))
    const embedding = (at: number) => vectors.queries[at] ?? null
    results.push(
      await ask(set, async ({ at }, k) => {
        const queryEmbedding = embedding(at)
        return queryEmbedding === null ? [] : vectorSearch(db, { queryEmbedding, k })
      }),
    )
    for (const [fusion, method] of [
      ['rrf', 'rrf60'],
      ['convex', 'convex'],
    ] as const) {
      results.push(
        await ask(
          `${method} bm25+${set}`,
          ({ text, at }, k) =>
            hybridSearch(db, {
              queryText: plainWords(text),
              queryEmbedding: embedding(at),
              k,
              fusion,
              filter,
            }),
          true,
        ),
      )
    }
    const weights = await weightsOfHalves(db, collection, vectors, (done, total) =>
      progress(`tuning ${set}`, done, total),
    )
    const place = new Map(collection.queries.map((query, at) => [query, at]))
    results.push(
      await ask(
        `tuned bm25+${set}`,
        (query, k) => {
          const { fusion, bm25Weight, vectorWeight } = weights[
            ((place.get(query) ?? 0) + 1) % 2
          ] as TunedWeights
          return hybridSearch(db, {
            queryText: plainWords(query.text),
            queryEmbedding: embedding(query.at),
            k,
            filter,
            fusion,
            bm25Weight,
            vectorWeight,
          })
        },
        true,
      ),
    )
  }
  return results
}

/** Weights tuned on every second query, from the first and from the second on: each is for the queries of the other half. */
async function weightsOfHalves(
  db: Database,
  { queries }: Collection,
  vectors: Vectors,
  progress: (done: number, total: number) => void,
): Promise<TunedWeights[]> {
  const weights: TunedWeights[] = []
  for (const half of [0, 1]) {
    const judged = queries
      .filter((query, at) => at % 2 === half && vectors.queries[query.at] != null)
      .map((query) => ({
        queryText: plainWords(query.text),
        queryEmbedding: vectors.queries[query.at] ?? null,
        relevant: Object.fromEntries(query.judgements),
        filter: { fuzzy: false },
      }))
    weights.push(
      await tuneWeights(db, judged, {
        onProgress: (done, total) => progress(half * total + done, 2 * total),
      }),
    )
  }
  return weights
}

type Search = (query: Collection['queries'][number], k: number) => Promise<readonly { readonly id: string }[]>

async function askAll(
  { queries }: Collection,
  search: Search,
  isFusion: boolean,
  progress: (done: number, total: number) => void,
): Promise<Scores> {
  const scores: Scores[] = []
  for (const query of queries) {
    const hundred = (await search(query, 100)).map((row) => row.id)
    // The first ten of a hundred are what a search for ten gives, but for a fusion, whose legs offer more for a larger k.
    const ten = isFusion ? (await search(query, 10)).map((row) => row.id) : hundred.slice(0, 10)
    scores.push({
      ndcg10: ndcgAt(ten, query.judgements, 10),
      recall100: recallAt(hundred, query.judgements, 100),
      mrr10: reciprocalRank(ten, query.judgements),
    })
    progress(scores.length, queries.length)
  }
  return {
    ndcg10: mean(scores.map((score) => score.ndcg10)),
    recall100: mean(scores.map((score) => score.recall100)),
    mrr10: mean(scores.map((score) => score.mrr10)),
  }
}

async function loadDocuments(
  db: Database,
  documents: Collection['documents'],
  vectors: Vectors | undefined,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  await db.execute(sql`DELETE FROM memory_items`)
  const items = documents.map(({ id, text }, at) => ({
    id,
    // Some collections have empty documents, which count among N. A memory has at least one byte.
    text: text || ' ',
    embedding: vectors?.documents[at] ?? null,
  }))
  await rememberMany(db, { items, onProgress })
  await db.execute(sql`ANALYZE memory_items`)
}

/** The largest difference of bm25's nDCG@10 from the reference that is accepted. */
export const allowedDifference = 0.005

/** How far bm25's nDCG@10 is from the reference's. */
export function differenceFromReference(collection: Collection, results: readonly MethodScores[]): number {
  const actual = results.find((result) => result.method === 'bm25')?.ndcg10 ?? Number.NaN
  return actual - (collection.reference.bm25?.ndcg10 ?? Number.NaN)
}
