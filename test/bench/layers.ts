/**
 * `npm run bench -- layers`: what impact layers at other thresholds would be worth, and would cost. For each set of
 * thresholds: how many documents the layers cannot rule out once the k-th best score is known (those are what a search
 * reads), the size of the index, and the time to compute the vector of a text.
 */
import postgres from 'postgres'
import type { BenchOptions } from './bench.ts'
import { describeMachine, type Machine, printMachine } from './machine.ts'
import { printTable, resultFile, rounded, timed, withBar, writeResult } from './report.ts'
import { type SearchCorpus, searchCorpus } from './search-corpus.ts'
import { withBenchDatabase } from './wiki-database.ts'

/** Length-adjusted frequencies from which a lexeme is in layer 1, 2, and so on. */
const candidateSets: readonly (readonly number[])[] = [
  [],
  [1.4],
  [2.4],
  [1.4, 2.4],
  [1.4, 4.5],
  [2.4, 4.5],
  [1.4, 2.4, 4.5],
  [1, 2, 4],
  [1.2, 1.8, 3],
  [1.8, 3, 6],
  [1.4, 2, 3, 4.5],
  [1, 1.4, 2, 2.8, 4, 5.6],
]

export interface LayersMeasurement {
  readonly thresholds: readonly number[]
  /** Documents that cannot be ruled out, on average, of those that match. */
  readonly shortCandidates: number
  readonly questionCandidates: number
  readonly indexBytes: number
  /** To compute the vector of one text, the text search parser's part included. */
  readonly microseconds: number
}

export interface LayersResults {
  readonly machine: Machine
  readonly corpus: string
  readonly rows: number
  readonly queries: number
  readonly k: number
  readonly shortMatches: number
  readonly questionMatches: number
  readonly measurements: readonly LayersMeasurement[]
}

const k = 10
const timedTexts = 10_000
const timedRounds = 3

/** layered_search_vector with any thresholds. */
const parametrised = String.raw`
  CREATE FUNCTION pg_temp.layered(document text, thresholds float8[]) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE AS $$
  DECLARE
    words tsvector := to_tsvector('pg_catalog.english', document);
    length_norm float8;
    layers text[];
  BEGIN
    IF length(words) = 0 OR thresholds = '{}' THEN
      RETURN words;
    END IF;
    length_norm := 0.25 + 0.75 / 43 * round(1e-20 / ts_rank(words, E'''\x01'' & ''\x02''', 2));
    layers := ARRAY(
      SELECT entry.lexeme || E'\x01' || threshold.place
      FROM (SELECT lexeme, cardinality(positions) AS tf FROM unnest(words) OFFSET 0) AS entry
      JOIN unnest(thresholds) WITH ORDINALITY AS threshold (value, place) ON entry.tf >= threshold.value * length_norm
    );
    RETURN words || array_to_tsvector(layers);
  END
  $$`

export async function run({ rows = [100_000], queries = 100, out }: BenchOptions): Promise<void> {
  const corpus = await searchCorpus()
  const size = rows.at(-1) ?? 100_000
  const results = await withBenchDatabase(async ({ db, url }): Promise<LayersResults> => {
    const machine = await describeMachine(db)
    printMachine(machine)
    const client = postgres(url, { max: 1, onnotice: () => {} })
    try {
      await store(client, corpus, size)
      const costs = await measureCosts(client)
      const short = await measurePruning(client, corpus.short.slice(0, queries))
      const questions = await measurePruning(client, corpus.questions.slice(0, queries))
      return {
        machine,
        corpus: corpus.name,
        rows: size,
        queries,
        k,
        shortMatches: short.matches,
        questionMatches: questions.matches,
        measurements: costs.map((cost, at) => ({
          ...cost,
          shortCandidates: short.candidates[at] ?? 0,
          questionCandidates: questions.candidates[at] ?? 0,
        })),
      }
    } finally {
      await client.end()
    }
  })
  const { measurements, shortMatches, questionMatches } = results
  printTable(
    [
      'thresholds',
      `read of ${shortMatches} (short)`,
      `of ${questionMatches} (questions)`,
      'index MB',
      'µs a text',
    ],
    measurements.map(({ thresholds, shortCandidates, questionCandidates, indexBytes, microseconds }) => [
      thresholds.join(', ') || 'none',
      shortCandidates,
      questionCandidates,
      rounded(indexBytes / 1e6).toFixed(1),
      microseconds.toFixed(1),
    ]),
  )
  writeResult(out ?? resultFile('layers', 'json'), `${JSON.stringify(results, null, 1)}\n`)
}

async function store(client: postgres.Sql, corpus: SearchCorpus, size: number): Promise<void> {
  await client.unsafe('CREATE TEMP TABLE passages (place integer, text text, words tsvector, length integer)')
  await client.unsafe(parametrised)
  await withBar(`storing ${size} rows of ${corpus.name}`, size, async (update) => {
    const texts = [...corpus.rows(size)].map(({ text }) => text)
    for (let from = 0; from < size; from += 5000) {
      await client`
        INSERT INTO passages SELECT ${from} + place, text, to_tsvector('pg_catalog.english', text), lexeme_count(text)
        FROM unnest(${texts.slice(from, from + 5000)}::text[]) WITH ORDINALITY AS row (text, place)`
      update(Math.min(from + 5000, size))
    }
  })
  await client.unsafe('ANALYZE passages')
}

type Costs = Pick<LayersMeasurement, 'thresholds' | 'indexBytes' | 'microseconds'>

/** The sets in turn, and the best of the rounds, so that what else the machine does hits all alike. */
async function measureCosts(client: postgres.Sql): Promise<Costs[]> {
  const times = candidateSets.map(() => Number.POSITIVE_INFINITY)
  const sizes: number[] = []
  await withBar('computing vectors', candidateSets.length * timedRounds, async (update) => {
    for (let round = 0; round < timedRounds; round++) {
      for (const [at, thresholds] of candidateSets.entries()) {
        const { milliseconds } = await timed(
          () => client`
            SELECT sum(length(pg_temp.layered(text, ${[...thresholds]}::float8[])))
            FROM (SELECT text FROM passages ORDER BY place LIMIT ${timedTexts}) AS part`,
        )
        times[at] = Math.min(times[at] ?? milliseconds, milliseconds)
        update(round * candidateSets.length + at + 1)
      }
    }
  })
  const [counted] = await client`SELECT least(count(*), ${timedTexts})::int AS texts FROM passages`
  await withBar('building indexes', candidateSets.length, async (update) => {
    for (const thresholds of candidateSets) {
      await client`
        CREATE TEMP TABLE layered AS SELECT pg_temp.layered(text, ${client.unsafe(`'{${thresholds.join(',')}}'`)}::float8[]) AS search_vector
        FROM passages`
      await client.unsafe('CREATE INDEX layered_idx ON layered USING gin (search_vector)')
      const [index] = await client`SELECT pg_relation_size('pg_temp.layered_idx') AS bytes`
      sizes.push(Number(index?.bytes))
      await client.unsafe('DROP TABLE layered')
      update(sizes.length)
    }
  })
  return candidateSets.map((thresholds, at) => ({
    thresholds,
    indexBytes: sizes[at] ?? 0,
    microseconds: rounded(((times[at] ?? 0) * 1000) / Math.max(1, Number(counted?.texts))),
  }))
}

interface Posting {
  readonly place: number
  readonly tf: number
  readonly length: number
}

/** For each set, in how many documents the bounds of the layers that they are in add up to more than the k-th best score. */
async function measurePruning(client: postgres.Sql, texts: readonly string[]) {
  const [corpus] =
    await client`SELECT count(*)::int AS documents, avg(length)::float8 AS average FROM passages`
  const { documents, average } = corpus as unknown as { documents: number; average: number }
  const bounds = candidateSets.map((thresholds) => impactBounds(thresholds, average))
  const candidates = candidateSets.map(() => 0)
  let matches = 0
  await withBar(`pruning ${texts.length} queries`, texts.length, async (update) => {
    for (const [at, text] of texts.entries()) {
      const parsed = await client`SELECT lexeme FROM unnest(to_tsvector('pg_catalog.english', ${text}))`
      const asked = [...new Set(parsed.map(({ lexeme }) => String(lexeme)))]
      const scores = new Map<number, number>()
      const bounded = candidateSets.map(() => new Map<number, number>())
      for (const lexeme of asked) {
        const postings = (await client`
          SELECT place, cardinality(entry.positions) AS tf, length FROM passages, unnest(words) AS entry
          WHERE words @@ quote_lexeme(${lexeme})::tsquery AND entry.lexeme = ${lexeme}`) as unknown as Posting[]
        const idf = Math.log(1 + (documents - postings.length + 0.5) / (postings.length + 0.5))
        for (const { place, tf, length } of postings) {
          const norm = 1.2 * (0.25 + (0.75 * length) / average)
          scores.set(place, (scores.get(place) ?? 0) + (idf * 2.2 * tf) / (tf + norm))
          const impact = tf / (0.25 + (0.75 * length) / 43)
          for (const [set, thresholds] of candidateSets.entries()) {
            const level = thresholds.filter((threshold) => impact >= threshold).length
            const sums = bounded[set] as Map<number, number>
            sums.set(place, (sums.get(place) ?? 0) + idf * (bounds[set]?.[level] as number))
          }
        }
      }
      matches += scores.size
      const best = [...scores.values()].sort((one, other) => other - one)
      const threshold = (best[k - 1] ?? 0) * (1 - 1e-9)
      for (const [set, sums] of bounded.entries()) {
        for (const bound of sums.values()) if (bound > threshold) candidates[set] = (candidates[set] ?? 0) + 1
      }
      update(at + 1)
    }
  })
  const mean = (sum: number) => Math.round(sum / Math.max(1, texts.length))
  return { matches: mean(matches), candidates: candidates.map(mean) }
}

/** What a lexeme adds at most, as a share of its idf, below the first threshold, the second, and so on, and above all. */
function impactBounds(thresholds: readonly number[], average: number): number[] {
  const below = thresholds.map((threshold) => {
    let bound = 0
    for (let tf = 1; tf <= 255; tf++) {
      const shortest = Math.max(tf, Math.ceil((43 * (tf / threshold - 0.25)) / 0.75 - 1e-9))
      bound = Math.max(bound, (2.2 * tf) / (tf + 1.2 * (0.25 + (0.75 * shortest) / average)))
    }
    return bound * (1 + 1e-12)
  })
  return [...below, 2.2]
}
