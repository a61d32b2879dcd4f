/**
 * `npm run bench -- vector`: vector_search over HNSW and over IVFFlat, the exact scan, and a query that uses pgvector as
 * it comes, for filters that 0.01 to 100 % of the rows pass. Recall is against the exact scan.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { Database } from '../../src/database/database.ts'
import type { VectorIndexMethod } from '../../src/vector-index/plan.ts'
import { useVectorIndex, type VectorIndex } from '../../src/vector-index/use-vector-index.ts'
import type { BenchOptions } from './bench.ts'
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
import { vectorPlots } from './vector-plots.ts'
import { readPassages, readQuestions } from './wiki-corpus.ts'
import { neededWikiFolder, shareTag, storePassages, withBenchDatabase } from './wiki-database.ts'

export interface VectorMeasurement {
  readonly rows: number
  readonly method: VectorIndexMethod
  /** `bare`: pgvector as it comes, without iterative scan and with its default ef_search or probes. */
  readonly search: 'vector_search' | 'exact' | 'bare'
  /** The share of the rows that the filter lets pass. */
  readonly percent: number
  readonly k: number
  readonly recall: number
  readonly latency: Latency
  /** How many of the queries gave fewer than k rows although k or more match. */
  readonly short: number
}

export interface VectorResults {
  readonly machine: Machine
  readonly queries: number
  readonly indexes: readonly (VectorIndex & { readonly rows: number; readonly buildSeconds: number })[]
  readonly measurements: readonly VectorMeasurement[]
}

const percents = [0.01, 0.1, 1, 5, 10, 50, 100]
const ks = [10, 100]

const statements = {
  vector_search: 'SELECT id FROM vector_search($1::text::vector, $2::text[], $3::integer)',
  exact: `SELECT id FROM memory_items
    WHERE embedding IS NOT NULL AND ($2::text[] = '{}' OR tags && $2::text[])
    ORDER BY 1 - (embedding <=> $1::text::vector) DESC, id COLLATE "C" LIMIT $3::integer`,
  bare: `SELECT id FROM memory_items
    WHERE $2::text[] = '{}' OR tags && $2::text[]
    ORDER BY (l2_normalize(CASE WHEN embedding_model = 1 THEN embedding WHEN next_embedding_model = 1 THEN next_embedding END)::halfvec(384)) <=> $1::text::vector::halfvec(384) LIMIT $3::integer`,
}

export async function run({
  rows = [10_000, 50_000, 100_000, 200_000],
  queries: queryCount = 100,
  out,
}: BenchOptions): Promise<void> {
  const folder = neededWikiFolder()
  const passages = readPassages(folder)
  const queries = readQuestions(folder)
    .slice(0, queryCount)
    .map(({ embedding }) => `[${embedding.join(',')}]`)
  const file = out ?? resultFile('vector', 'json')
  await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    // A connection of its own, and every call planned anew, as a service that calls it now and then sees it.
    const client = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
    const indexes: VectorResults['indexes'][number][] = []
    const measurements: VectorMeasurement[] = []
    const results: VectorResults = { machine, queries: queries.length, indexes, measurements }
    let stored = 0
    try {
      for (const size of rows) {
        await useVectorIndex(db, 'none')
        await storePassages(db, passages, stored, size)
        stored = size
        await db.execute(sql`VACUUM ANALYZE memory_items`)
        const exact = await measureExact(client, queries, size)
        measurements.push(...exact.measurements)
        for (const method of ['hnsw', 'ivfflat'] as const) {
          indexes.push(await build(db, method, size))
          measurements.push(...(await measureIndex(client, queries, size, method, exact.truth)))
        }
        // After each size: the largest take long, and may be broken off.
        writeResult(file, `${JSON.stringify(results, null, 1)}\n`)
        writeResult(file.replace(/(\.json)?$/, '.svg'), vectorPlots(results))
      }
    } finally {
      await client.end()
    }
    printResults(results)
  })
}

async function build(db: Database, method: VectorIndexMethod, rows: number) {
  return withBar(`building ${method} over ${rows} rows`, 100, async (update) => {
    const { result, milliseconds } = await timed(() =>
      useVectorIndex(db, method, { onProgress: ({ done }) => update(Math.round((done ?? 0) * 100)) }),
    )
    return { rows, ...result, buildSeconds: rounded(milliseconds / 1000) }
  })
}

/** The ids that the exact scan gives for each filter and query, the best of the largest k. */
type Truth = ReadonlyMap<number, readonly (readonly string[])[]>

async function measureExact(client: postgres.Sql, queries: readonly string[], rows: number) {
  const truth = new Map<number, string[][]>()
  const measurements: VectorMeasurement[] = []
  for (const percent of percents) {
    await withBar(`exact scan of ${percent} % of ${rows}`, queries.length, async (update) => {
      const found: string[][] = []
      const milliseconds: number[] = []
      for (const query of queries) {
        const call = await timed(() => search(client, 'exact', query, percent, Math.max(...ks)))
        found.push(call.result)
        milliseconds.push(call.milliseconds)
        update(found.length)
      }
      truth.set(percent, found)
      // The scan is the same whichever k is wanted.
      for (const k of ks) {
        measurements.push({
          ...{ rows, method: 'none', search: 'exact', percent, k, recall: 1, short: 0 },
          latency: latency(milliseconds),
        })
      }
    })
  }
  return { truth: truth as Truth, measurements }
}

async function measureIndex(
  client: postgres.Sql,
  queries: readonly string[],
  rows: number,
  method: VectorIndexMethod,
  truth: Truth,
): Promise<VectorMeasurement[]> {
  const cells = percents.flatMap((percent) => ks.map((k) => ({ percent, k })))
  return withBar(`searching ${rows} rows by ${method}`, cells.length * queries.length, async (update) => {
    const measurements: VectorMeasurement[] = []
    let done = 0
    for (const { percent, k } of cells) {
      const kinds = ['vector_search', 'bare'] as const
      const tallies = kinds.map(() => ({ milliseconds: [] as number[], hits: 0, wanted: 0, short: 0 }))
      for (const [at, query] of queries.entries()) {
        const best = new Set(truth.get(percent)?.[at]?.slice(0, k))
        // In turn, so that whatever else the machine does slows both down alike.
        for (const [place, kind] of kinds.entries()) {
          const tally = tallies[place]
          if (tally === undefined) continue
          const { result, milliseconds } = await timed(() => search(client, kind, query, percent, k))
          tally.milliseconds.push(milliseconds)
          tally.hits += result.filter((id) => best.has(id)).length
          tally.wanted += best.size
          if (result.length < best.size) tally.short += 1
        }
        update(++done)
      }
      tallies.forEach(({ milliseconds, hits, wanted, short }, place) => {
        const recall = wanted === 0 ? 1 : Math.round((hits / wanted) * 1e4) / 1e4
        measurements.push({
          ...{ rows, method, search: kinds[place] as 'bare', percent, k, recall, short },
          latency: latency(milliseconds),
        })
      })
    }
    return measurements
  })
}

async function search(
  client: postgres.Sql,
  kind: keyof typeof statements,
  query: string,
  percent: number,
  k: number,
): Promise<string[]> {
  const tag = shareTag(percent)
  const rows = await client.unsafe(statements[kind], [query, tag === null ? '{}' : `{${tag}}`, k])
  return rows.map((row) => String(row.id))
}

function printResults({ indexes, measurements }: VectorResults): void {
  printTable(
    ['index', 'rows', 'build s', 'MB', 'parameters'],
    indexes.map(({ method, rows, buildSeconds, bytes, lists, m, efConstruction }) => [
      ...[method, rows, buildSeconds.toFixed(1), (bytes / 1e6).toFixed(0)],
      method === 'hnsw' ? `m ${m}, ef_construction ${efConstruction}` : `lists ${lists}`,
    ]),
  )
  printTable(
    ['search', 'index', 'rows', 'filter %', 'k', 'recall', 'mean ms', 'p50', 'p95', 'short'],
    measurements.map(({ search, method, rows, percent, k, recall, latency: { mean, p50, p95 }, short }) => [
      ...[search, method, rows, percent, k, recall.toFixed(4)],
      ...[mean, p50, p95].map((value) => value.toFixed(2)),
      short,
    ]),
  )
}
