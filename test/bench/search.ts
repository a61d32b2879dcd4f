/**
 * `npm run bench -- search`: bm25_search against the same scores computed for every match, ts_rank, ts_rank_cd and, where
 * Node has it (22.5 or newer), SQLite's FTS5; for short queries and whole questions, under tag filters, k = 10 and 100.
 * Every result is compared with that of scoring every match. And what writing costs with and without the machinery.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { BenchOptions } from './bench.ts'
import { everyMatch, type Hit, hasSameScores } from './every-match.ts'
import { describeMachine, type Machine, printMachine } from './machine.ts'
import {
  type Latency,
  latency,
  printTable,
  resultFile,
  rounded,
  timed,
  withBar,
  writeResult,
} from './report.ts'
import { type SearchCorpus, searchCorpus, shares, shareTag } from './search-corpus.ts'
import { type CorrectionMeasurement, measureCorrections, printCorrections } from './search-corrections.ts'
import { type Fts5, openFts5 } from './search-fts5.ts'
import { searchPlots } from './search-plots.ts'
import { type IndexShare, indexShares, measureWrites, type WriteMeasurement } from './search-writes.ts'
import { withBenchDatabase } from './wiki-database.ts'

export type Method = 'bm25_search' | 'every match' | 'ts_rank' | 'ts_rank_cd' | 'fts5'

export interface SearchMeasurement {
  readonly rows: number
  readonly queries: 'short' | 'questions'
  /** The share of the rows that the tag filter lets pass. */
  readonly percent: number
  readonly k: number
  readonly latency: Readonly<Partial<Record<Method, Latency>>>
  /** Rows that bm25_search read, on average. */
  readonly candidates: number
  readonly matches: number
  /** Queries whose result was that of scoring every match. */
  readonly identical: number
  readonly compared: number
}

export interface SearchResults {
  readonly machine: Machine
  readonly corpus: string
  readonly queries: number
  readonly measurements: readonly SearchMeasurement[]
  readonly corrections: readonly CorrectionMeasurement[]
  readonly indexes: readonly (IndexShare & { readonly rows: number })[]
  readonly writes: readonly WriteMeasurement[]
}

// As one would write it: the tag condition only where there are tags, so that its index can be used.
const tagged = (isTagged: boolean) => (isTagged ? 'AND tags && $2::text[]' : "AND $2::text[] = '{}'")

const ranked = (rank: string, isTagged: boolean) => `
  SELECT id, text, tags, created_at, ${rank}(search_vector, $1::tsquery) AS score FROM memory_items
  WHERE search_vector @@ $1::tsquery ${tagged(isTagged)} ORDER BY score DESC LIMIT $3::integer`

const statementsFor = (isTagged: boolean) => ({
  // Words as they are: what correcting misspelt ones costs is measured apart, because the others do not.
  bm25_search: `SELECT id, text, tags, created_at, score FROM bm25_search($1::text, $2::text[], $3::integer, '{"fuzzy": false}')`,
  'every match': `
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM (${everyMatch('$3::integer', isTagged ? 'm.tags && $2::text[]' : "$2::text[] = '{}'")}) AS best
    JOIN memory_items AS m USING (id) ORDER BY best.score DESC, m.id COLLATE "C"`,
  ts_rank: ranked('ts_rank', isTagged),
  ts_rank_cd: ranked('ts_rank_cd', isTagged),
})

export async function run({ rows = [100_000], queries: queryCount = 100, out }: BenchOptions): Promise<void> {
  const corpus = await searchCorpus()
  const results = await withBenchDatabase(async ({ db, url }): Promise<SearchResults> => {
    const machine = await describeMachine(db)
    printMachine(machine)
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const measurements: SearchMeasurement[] = []
    const corrections: CorrectionMeasurement[] = []
    const indexes: SearchResults['indexes'][number][] = []
    try {
      for (const size of rows) {
        await db.execute(sql`TRUNCATE memory_items`)
        const fts5 = await openFts5()
        await store(client, corpus, size, fts5)
        // What bulk statements logged last is read by each search until more of them come, 0.03 ms each.
        await db.execute(sql`SELECT fold_search_statistics()`)
        await db.execute(sql`VACUUM ANALYZE`)
        const measured = await measure(client, { corpus, size, queryCount, fts5 })
        printMeasurements(measured)
        measurements.push(...measured)
        const corrected = await measureCorrections(client, size, {
          short: corpus.short.slice(0, queryCount),
          questions: corpus.questions.slice(0, queryCount),
        })
        printCorrections(corrected)
        corrections.push(...corrected)
        indexes.push(...(await indexShares(db)).map((share) => ({ rows: size, ...share })))
      }
    } finally {
      await client.end()
    }
    return {
      machine,
      corpus: corpus.name,
      queries: queryCount,
      measurements,
      corrections,
      indexes,
      writes: await measureWrites(corpus),
    }
  })
  const file = out ?? resultFile('search', 'json')
  writeResult(file, `${JSON.stringify(results, null, 1)}\n`)
  writeResult(file.replace(/(\.json)?$/, '.svg'), searchPlots(results))
}

async function store(
  client: postgres.Sql,
  corpus: SearchCorpus,
  size: number,
  fts5: Fts5 | null,
): Promise<void> {
  await withBar(`storing ${size} rows of ${corpus.name}`, size, async (update) => {
    let batch: { id: string; text: string; tags: string }[] = []
    let stored = 0
    const flush = async () => {
      await client`
        INSERT INTO memory_items (id, text, tags) SELECT row.id, row.text, row.tags::text[]
        FROM unnest(${batch.map(({ id }) => id)}::text[], ${batch.map(({ text }) => text)}::text[], ${batch.map(({ tags }) => tags)}::text[]) AS row (id, text, tags)`
      fts5?.add(batch)
      stored += batch.length
      batch = []
      update(stored)
    }
    for (const { id, text, tags } of corpus.rows(size)) {
      batch.push({ id, text, tags: `{${tags.join(',')}}` })
      if (batch.length === 5000) await flush()
    }
    await flush()
  })
}

interface Measuring {
  readonly corpus: SearchCorpus
  readonly size: number
  readonly queryCount: number
  readonly fts5: Fts5 | null
}

async function measure(client: postgres.Sql, measuring: Measuring): Promise<SearchMeasurement[]> {
  const measurements: SearchMeasurement[] = []
  for (const queries of ['short', 'questions'] as const) {
    for (const percent of [100, ...shares.toReversed()]) {
      for (const k of [10, 100]) {
        const what = `${queries}, ${percent} % of ${measuring.size}, k = ${k}`
        const texts = measuring.corpus[queries].slice(0, measuring.queryCount)
        measurements.push(
          await withBar(what, texts.length, (update) =>
            measureOne(client, measuring, { queries, percent, k, texts, update }),
          ),
        )
      }
    }
  }
  return measurements
}

interface One {
  readonly queries: 'short' | 'questions'
  readonly percent: number
  readonly k: number
  readonly texts: readonly string[]
  readonly update: (done: number) => void
}

/** Each query once to warm up and once measured, the methods in turn, so that what else the machine does hits all alike. */
async function measureOne(
  client: postgres.Sql,
  { size, fts5 }: Measuring,
  { queries, percent, k, texts, update }: One,
): Promise<SearchMeasurement> {
  const tag = percent === 100 ? null : shareTag(percent)
  const tags = tag === null ? [] : [tag]
  const statements = statementsFor(tag !== null)
  const times = new Map<Method, number[]>()
  let [candidates, matches, identical] = [0, 0, 0]
  for (const [at, text] of texts.entries()) {
    const [parsed] = await client`
      SELECT string_agg(quote_lexeme(lexeme), ' | ') AS query FROM unnest(to_tsvector('pg_catalog.english', ${text}))`
    const query = String(parsed?.query ?? '')
    const calls: [Method, () => Promise<unknown>][] = [
      ['bm25_search', () => client.unsafe(statements.bm25_search, [text, tags, k], { prepare: true })],
      ['every match', () => client.unsafe(statements['every match'], [text, tags, k], { prepare: true })],
      ['ts_rank', () => client.unsafe(statements.ts_rank, [query, tags, k], { prepare: true })],
      ['ts_rank_cd', () => client.unsafe(statements.ts_rank_cd, [query, tags, k], { prepare: true })],
      ...(fts5 && tag === null
        ? [['fts5', async () => fts5.search(text, k)] as [Method, () => Promise<unknown>]]
        : []),
    ]
    const hits = new Map<Method, Hit[]>()
    for (const [method, call] of calls) {
      await call()
      const { result, milliseconds } = await timed(call)
      times.set(method, [...(times.get(method) ?? []), milliseconds])
      hits.set(method, result as Hit[])
    }
    if (hasSameScores(hits.get('bm25_search'), hits.get('every match'))) identical++
    const [report] =
      await client`SELECT explain_search(${text}, ${tags}::text[], ${k}, '{"fuzzy": false}') -> 'rounds' AS rounds`
    for (const round of (report?.rounds ?? []) as { candidates: number }[]) candidates += round.candidates
    const [match] =
      await client`SELECT count(*)::int AS count FROM memory_items WHERE search_vector @@ ${query}::tsquery AND (${tags}::text[] = '{}' OR tags && ${tags}::text[])`
    matches += match?.count ?? 0
    update(at + 1)
  }
  return {
    rows: size,
    queries,
    percent,
    k,
    latency: Object.fromEntries([...times].map(([method, values]) => [method, latency(values)])),
    candidates: Math.round(candidates / texts.length),
    matches: Math.round(matches / texts.length),
    identical,
    compared: texts.length,
  }
}

function printMeasurements(measurements: readonly SearchMeasurement[]): void {
  const methods: Method[] = ['bm25_search', 'every match', 'ts_rank', 'ts_rank_cd', 'fts5']
  printTable(
    [
      'rows queries percent k',
      ...methods,
      'p50',
      'p95',
      'ts_rank / bm25',
      'candidates',
      'matches',
      'identical',
    ],
    measurements.map(
      ({ rows, queries, percent, k, latency: of, candidates, matches, identical, compared }) => [
        `${rows} ${queries} ${percent} ${k}`,
        ...methods.map((method) => of[method]?.mean ?? '-'),
        of.bm25_search?.p50 ?? '-',
        of.bm25_search?.p95 ?? '-',
        rounded((of.ts_rank?.mean ?? 0) / (of.bm25_search?.mean ?? 1)),
        candidates,
        matches,
        `${identical}/${compared}`,
      ],
    ),
  )
}
