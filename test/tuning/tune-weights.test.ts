import { beforeAll, describe, expect, it } from 'vitest'
import { hybridSearch, type NewMemory, rememberMany } from '../../src/index.ts'
import {
  chooseFusion,
  crossValidate,
  fusionGrid,
  pairedDifference,
  seededRandom,
  type Trial,
} from '../../src/tuning/choose-fusion.ts'
import { candidateUnion, fuse, offeredBy } from '../../src/tuning/fuse.ts'
import type { JudgedQuery } from '../../src/tuning/judged-queries.ts'
import { mean } from '../../src/tuning/metrics.ts'
import { tuneWeights } from '../../src/tuning/tune-weights.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'

const random = seededRandom(42)
const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
const words =
  'amber birch cedar delta ember fjord grove heron inlet jetty knoll larch maple north otter pearl'.split(' ')
const text = (count: number) => Array.from({ length: count }, () => pick(words)).join(' ')

// Vectors of few directions and texts of few words: many ties, which only the ids decide.
const items: NewMemory[] = Array.from({ length: 420 }, (_, at) => {
  const id = `${pick(['a', 'Z', 'é', '\u{1F600}', '\uFFEE'])}${at}`
  const content = text(3 + Math.floor(random() * 6))
  return { id, text: content, ...(at % 7 === 0 ? {} : { embedding: vectorOf(pick([content, text(2)])) }) }
})

describeOnEachBackend('fusing again', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, { items })
  })

  it.each<[number, { queryText: string; queryEmbedding: Float32Array }]>([
    [10, { queryText: 'amber heron', queryEmbedding: vectorOf('fjord otter') }],
    [10, { queryText: 'pearl pearl maple larch', queryEmbedding: vectorOf('amber') }],
    [10, { queryText: 'the', queryEmbedding: vectorOf('knoll north') }],
    [10, { queryText: 'delta "north otter"', queryEmbedding: vectorOf('delta') }],
    [1, { queryText: 'birch inlet', queryEmbedding: vectorOf('grove') }],
    [50, { queryText: 'cedar -jetty', queryEmbedding: vectorOf('ember larch') }],
  ])('gives hybrid_search in its own order, k = $0, $1.queryText', async (k, query) => {
    const rows = await hybridSearch(test.db, {
      ...query,
      k: 1000,
      fusion: 'rrf',
      bm25Weight: 1,
      vectorWeight: 1,
    })
    const union = candidateUnion(rows, offeredBy(k))
    const settings = [...fusionGrid(), { fusion: 'convex', bm25Weight: 3, vectorWeight: 0.7 } as const]
    for (const { fusion, bm25Weight, vectorWeight } of settings) {
      const expected = await hybridSearch(test.db, { ...query, k, fusion, bm25Weight, vectorWeight })
      const ids = fuse(union, { fusion, bm25Weight, vectorWeight }, k)
      expect(ids, `${fusion} ${bm25Weight}/${vectorWeight}`).toEqual(expected.map((row) => row.id))
    }
  })
})

/** Queries whose answers share their words, or lie near their vectors, or both. */
function judged(
  count: number,
  by: 'bm25' | 'vector' | 'both',
): { items: NewMemory[]; queries: JudgedQuery[] } {
  const memories: NewMemory[] = []
  const queries: JudgedQuery[] = []
  for (let at = 0; at < count; at++) {
    const [first, second, other] = [`${by}${at}x`, `${by}${at}y`, `${by}${at}z`]
    const namespace = `${by}-${at}`
    const near = by === 'bm25' ? 'elsewhere' : `${first} ${second}`
    const same = by === 'vector' ? other : `${first} ${second}`
    memories.push(
      { id: `${namespace} answer`, namespace, text: `${same} told`, embedding: vectorOf(near) },
      // A decoy in each leg: it has a word twice, or the very vector, and nothing of the other.
      {
        id: `${namespace} wordy`,
        namespace,
        text: `${first} ${by === 'bm25' ? other : first} told`,
        embedding: vectorOf('remote'),
      },
      {
        id: `${namespace} near`,
        namespace,
        text: 'unrelated told',
        embedding: vectorOf(by === 'vector' ? other : `${first} ${other}`),
      },
      ...Array.from({ length: 4 }, (_, more) => ({
        id: `${namespace} filler ${more}`,
        namespace,
        text: `filler ${more} ${text(4)}`,
        embedding: vectorOf(text(2)),
      })),
    )
    queries.push({
      queryText: `${first} ${second}`,
      queryEmbedding: vectorOf(`${first} ${second}`),
      relevant: [`${namespace} answer`],
      filter: { namespace },
    })
  }
  return { items: memories, queries }
}

describeOnEachBackend('tuneWeights', (test) => {
  const byWords = judged(30, 'bm25')
  const byVector = judged(30, 'vector')
  beforeAll(async () => {
    await rememberMany(test.db, { items: [...byWords.items, ...byVector.items] })
  })

  it('finds the leg that answers, is sure of it, and gives the same twice', async () => {
    const progress: number[] = []
    const tuned = await tuneWeights(test.db, byVector.queries, { onProgress: (done) => progress.push(done) })
    expect(tuned.ndcg.vector.mean).toBe(1)
    expect(tuned).toMatchObject({
      method: 'vector',
      bm25Weight: 0,
      vectorWeight: 1,
      queries: 30,
      confidence: 'high',
    })
    expect(tuned.gain.bm25.significant).toBe(true)
    expect(tuned.ndcg.tuned.mean).toBeCloseTo(1, 6)
    expect(tuned.explanation).toContain('vector search alone')
    expect(tuned.trials).toHaveLength(fusionGrid().length)
    expect(progress.at(-1)).toBe(30)
    expect(await tuneWeights(test.db, byVector.queries)).toEqual(tuned)

    const words = await tuneWeights(test.db, byWords.queries)
    expect(words.ndcg.bm25.mean).toBe(1)
    expect(words.ndcg.tuned.mean).toBeGreaterThanOrEqual(words.ndcg.vector.mean)
    expect(words.bm25Weight).toBeGreaterThan(0)
  })

  it('says when it is not sure', async () => {
    const few = await tuneWeights(test.db, [...byWords.queries.slice(0, 6), ...byVector.queries.slice(0, 6)])
    expect(few.confidence).toBe('low')
    expect(few.explanation).toMatch(
      /too few queries to weigh the legs.*Fewer than 30 queries: this may be chance/s,
    )
    expect(['bm25', 'vector']).toContain(few.method)
    const clear = await tuneWeights(test.db, byVector.queries.slice(0, 12))
    expect(clear).toMatchObject({ method: 'vector', confidence: 'low' })
  })

  it('embeds queries that have no vector', async () => {
    const embedder = wordEmbedder()
    const bare = byVector.queries.map(({ queryEmbedding: _, ...query }) => query)
    const tuned = await tuneWeights(test.db, bare, { embedder })
    expect(tuned).toEqual(await tuneWeights(test.db, byVector.queries))
    expect(embedder.calls.flat()).toHaveLength(30)
  })

  it('refuses what it cannot learn from', async () => {
    const queries = byWords.queries.slice(0, 10)
    const without = queries.map(({ queryEmbedding: _, ...query }) => query)
    const recent = queries.map(
      (query) => ({ ...query, filter: { recency: 7 } as JudgedQuery['filter'] }) as JudgedQuery,
    )
    const wrongs: [JudgedQuery[], object, RegExp][] = [
      [queries.slice(0, 9), {}, /at least 10 queries to learn from, got 9/],
      [queries, { folds: 20 }, /at least 20 queries/],
      [queries, { folds: 1 }, /folds must be a whole number from 2/],
      [queries, { k: 51 }, /k must be a whole number from 1 to 50/],
      [queries, { seed: -1 }, /seed must be/],
      [without, {}, /judgedQueries\[0\] must have a queryEmbedding/],
      [recent, {}, /keys that choose rows .* got "recency"/],
    ]
    for (const [judgedQueries, options, message] of wrongs) {
      const failure = tuneWeights(test.db, judgedQueries, options)
      await expect(failure).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(failure).rejects.toThrow(message)
    }
  })
})

describe('choosing a fusion', () => {
  const count = 40
  const places = Array.from({ length: count }, (_, at) => at)
  /** Trials whose means follow a curve over the vector's weight, with the same luck for all and some of its own. */
  const trialsOf = (curve: (vectorWeight: number, method: string) => number, luck = 0.02): Trial[] => {
    const own = seededRandom(5)
    const shared = places.map(() => own() * 0.3)
    return fusionGrid().map((setting) => ({
      ...setting,
      scores: places.map(
        (at) => curve(setting.vectorWeight, setting.method) + (shared[at] as number) + luck * (own() - 0.5),
      ),
    }))
  }

  it('takes a fusion that is surely better than both legs', () => {
    const chosen = chooseFusion(
      trialsOf((w, method) => (method === 'rrf' ? 0.2 : 0.5 - (w - 0.6) ** 2)),
      places,
    )
    expect(chosen.method).toBe('convex')
    expect(Math.abs(chosen.vectorWeight - 0.6)).toBeLessThanOrEqual(0.15)
    expect(
      chooseFusion(
        trialsOf((_, method) => (method === 'rrf' ? 0.6 : 0.3)),
        places,
      ).method,
    ).toBe('rrf')
  })

  it('keeps the better leg where fusions are better by luck alone', () => {
    expect(
      chooseFusion(
        trialsOf((w) => 0.5 - 0.2 * w),
        places,
      ).method,
    ).toBe('bm25')
    expect(
      chooseFusion(
        trialsOf((w) => 0.3 + 0.2 * w),
        places,
      ).method,
    ).toBe('vector')
    const flat = chooseFusion(
      trialsOf(() => 0.4, 0),
      places,
    )
    expect(flat.method).toBe('bm25')
  })

  it('is never worse than the better leg on the queries that it saw', () => {
    const own = seededRandom(9)
    for (let round = 0; round < 200; round++) {
      const trials = fusionGrid().map((setting) => ({ ...setting, scores: places.map(() => own()) }))
      const seen = places.filter(() => own() < 0.5)
      const legs = trials.filter(({ method }) => method === 'bm25' || method === 'vector')
      const at = (trial: Trial) => mean(seen.map((place) => trial.scores[place] as number))
      expect(at(chooseFusion(trials, seen))).toBeGreaterThanOrEqual(Math.max(...legs.map(at)))
    }
  })

  it('scores every query by what was chosen without it', () => {
    // Each query hates the setting that all others love: seen, it would turn the choice; unseen, it cannot.
    const trials: Trial[] = [
      {
        method: 'bm25',
        fusion: 'convex',
        bm25Weight: 1,
        vectorWeight: 0,
        scores: places.map((at) => (at === 0 ? 100 : 0)),
      },
      {
        method: 'vector',
        fusion: 'convex',
        bm25Weight: 0,
        vectorWeight: 1,
        scores: places.map((at) => (at === 0 ? 0 : 1)),
      },
    ]
    const scores = crossValidate(trials, count, { folds: 5, repeats: 3, random: seededRandom(1) })
    expect(scores).toHaveLength(count)
    expect(scores[0]).toBe(0)
  })

  it('tells a difference from noise', () => {
    const own = seededRandom(3)
    const one = places.map(() => own())
    const better = one.map((score) => score + 0.2 + 0.1 * own())
    expect(pairedDifference(better, one, seededRandom(1))).toMatchObject({ significant: true })
    const noise = pairedDifference(one, [...one].reverse(), seededRandom(1))
    expect(noise.significant).toBe(false)
    expect(noise.interval[0]).toBeLessThan(0)
    expect(noise.interval[1]).toBeGreaterThan(0)
    expect(pairedDifference(one, one, seededRandom(1))).toEqual({
      mean: 0,
      standardError: 0,
      interval: [0, 0],
      significant: false,
    })
  })
})
