import type { VectorIndexHealth } from './health.ts'
import { fewestForIvfflat, recommendedLists } from './plan.ts'

/** Up to so many embeddings the exact scan of all of them takes a few milliseconds. */
const scannedFast = 20_000
/** What the searches' settings are chosen for is 0.98; a sample may fall a little below by chance. */
const lowRecall = 0.95

/** What to do about a vector index in this state, the most urgent first. */
export function vectorIndexAdvice(health: Omit<VectorIndexHealth, 'advice'>): string[] {
  const { method, valid, rows, embeddings, estimatedRows, recall, leftovers, lists } = health
  const advice: string[] = []
  if (!valid) {
    advice.push(
      `The ${method} index is not valid, so searches scan exactly: call useVectorIndex(db, '${method}') to build it anew.`,
    )
  }
  if (method === 'none' && embeddings > scannedFast) {
    advice.push(
      `There is no index, and each search by meaning reads all ${embeddings} embeddings: call useVectorIndex(db, 'hnsw').`,
    )
  }
  const wantedLists = recommendedLists(embeddings)
  if (method === 'ivfflat' && embeddings < fewestForIvfflat) {
    advice.push(
      `IVFFlat is built on ${embeddings} embeddings, too few to learn from: call useVectorIndex(db, 'hnsw'), which needs none.`,
    )
  } else if (
    method === 'ivfflat' &&
    lists !== undefined &&
    (lists < wantedLists / 2 || lists > wantedLists * 2)
  ) {
    const cause = lists < wantedLists ? 'built when the table was much smaller' : 'more than the rows ask for'
    advice.push(
      `IVFFlat has ${lists} lists (${cause}), and ${embeddings} embeddings want about ${wantedLists}: call useVectorIndex(db, 'ivfflat').`,
    )
  }
  if (recall !== null && recall < lowRecall) {
    advice.push(
      method === 'ivfflat'
        ? `Only ${percent(recall)} of the nearest are found, since the embeddings have changed since the lists were learned: call useVectorIndex(db, 'ivfflat', { rebuild: true }).`
        : `Only ${percent(recall)} of the nearest are found: call useVectorIndex(db, 'hnsw', { m: 32, efConstruction: 128 }), for more links.`,
    )
  }
  if (rows > 1000 && (estimatedRows === null || estimatedRows < rows / 2 || estimatedRows > rows * 2)) {
    const belief =
      estimatedRows === null ? 'has not counted the rows yet' : `believes to have ${estimatedRows} rows`
    advice.push(`The database ${belief}, and there are ${rows}: run ANALYZE memory_items.`)
  }
  if (leftovers.length > 0) {
    advice.push(
      `An interrupted build left ${leftovers.join(', ')}, which every write keeps up: call useVectorIndex again, or drop it if no build is under way.`,
    )
  }
  return advice
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}
