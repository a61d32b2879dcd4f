/**
 * `npm run bench -- hybrid`: the time of hybrid_search against the sum of its two legs, each asked alone for what it
 * offers to the union, by real questions over real passages.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { useVectorIndex } from '../../src/vector-index/use-vector-index.ts'
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
import { readPassages, readQuestions } from './wiki-corpus.ts'
import { neededWikiFolder, shareTag, storePassages, withBenchDatabase } from './wiki-database.ts'

export interface HybridMeasurement {
  readonly rows: number
  /** The share of the rows that the filter lets pass. */
  readonly percent: number
  readonly bm25: Latency
  readonly vector: Latency
  readonly hybrid: Latency
  /** The mean of hybrid_search by the sum of the legs' means. */
  readonly ratio: number
}

export interface HybridResults {
  readonly machine: Machine
  readonly queries: number
  readonly k: number
  readonly measurements: readonly HybridMeasurement[]
}

const k = 10
const offered = Math.max(100, 4 * k)
const percents = [1, 10, 100]

const statements = {
  bm25: `SELECT id FROM bm25_search($1::text, $3::text[], ${offered}) WHERE $2::text IS NOT NULL`,
  vector: `SELECT id FROM vector_search($2::text::vector, $3::text[], ${offered}) WHERE $1::text IS NOT NULL`,
  hybrid: `SELECT id FROM hybrid_search($1::text, $2::text::vector, $3::text[], ${k})`,
}
const kinds = ['bm25', 'vector', 'hybrid'] as const

export async function run({ rows = [100_000], queries: queryCount = 200, out }: BenchOptions): Promise<void> {
  const folder = neededWikiFolder()
  const passages = readPassages(folder)
  const questions = readQuestions(folder).slice(0, queryCount)
  const results = await withBenchDatabase(async ({ db, url }): Promise<HybridResults> => {
    const machine = await describeMachine(db)
    printMachine(machine)
    const client = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
    const measurements: HybridMeasurement[] = []
    let stored = 0
    try {
      for (const size of rows) {
        await useVectorIndex(db, 'none')
        await storePassages(db, passages, stored, size)
        stored = size
        await withBar('building hnsw', 1, () => useVectorIndex(db, 'hnsw'))
        await db.execute(sql`VACUUM ANALYZE memory_items`)
        for (const percent of percents) measurements.push(await measure(client, questions, size, percent))
      }
    } finally {
      await client.end()
    }
    return { machine, queries: questions.length, k, measurements }
  })
  printTable(
    [
      'rows',
      'filter %',
      'bm25 mean ms',
      'p50',
      'p95',
      'vector',
      'p50',
      'p95',
      'hybrid',
      'p50',
      'p95',
      'ratio',
    ],
    results.measurements.map(({ rows: size, percent, bm25, vector, hybrid, ratio }) => [
      ...[size, percent],
      ...[bm25, vector, hybrid].flatMap(({ mean, p50, p95 }) => [mean, p50, p95].map((ms) => ms.toFixed(1))),
      ratio.toFixed(2),
    ]),
  )
  writeResult(out ?? resultFile('hybrid', 'json'), `${JSON.stringify(results, null, 1)}\n`)
}

async function measure(
  client: postgres.Sql,
  questions: readonly { readonly text: string; readonly embedding: Float32Array }[],
  rows: number,
  percent: number,
): Promise<HybridMeasurement> {
  const tag = shareTag(percent)
  const milliseconds = { bm25: [] as number[], vector: [] as number[], hybrid: [] as number[] }
  await withBar(`asking ${rows} rows, ${percent} % pass`, questions.length, async (update) => {
    for (const [at, { text, embedding }] of questions.entries()) {
      const values = [text, `[${embedding.join(',')}]`, tag === null ? '{}' : `{${tag}}`]
      // Once unmeasured, so that the first to be asked does not read the pages for the others; then in turn.
      await client.unsafe(statements.hybrid, values)
      for (const kind of kinds) {
        milliseconds[kind].push((await timed(() => client.unsafe(statements[kind], values))).milliseconds)
      }
      update(at + 1)
    }
  })
  const [bm25, vector, hybrid] = kinds.map((kind) => latency(milliseconds[kind])) as [
    Latency,
    Latency,
    Latency,
  ]
  return { rows, percent, bm25, vector, hybrid, ratio: rounded(hybrid.mean / (bm25.mean + vector.mean)) }
}
