/**
 * `npm run bench -- sizes`: what vectors of 384 to 3,072 dimensions cost, in line and out of line: keyword search, the
 * exact scan, HNSW with exact re-scoring, writes, and bytes. The longer vectors are the 384-d ones of the sample, joined
 * to themselves: every cosine, and so every ranking, is the same, and only the size differs.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { Database } from '../../src/database/database.ts'
import { queryRows, toNumber } from '../../src/database/rows.ts'
import { remember, useEmbeddingModel, useVectorIndex } from '../../src/index.ts'
import { backendClock } from './backend-clock.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, type Machine, printMachine } from './machine.ts'
import { printTable, resultFile, rounded, timed, writeResult } from './report.ts'
import { readPassages, readQuestions, unit, type WikiText } from './wiki-corpus.ts'
import { neededWikiFolder, storePassages, withBenchDatabase } from './wiki-database.ts'

interface SizeMeasurement {
  readonly dimensions: number
  readonly placement: 'in line' | 'out of line'
  readonly rows: number
  /** Milliseconds of the server process (backendClock), medians over the queries. */
  readonly keyword: number
  readonly exact5: number
  readonly exact10: number
  readonly hnsw: number
  readonly recall: number
  readonly bulkInsertMs: number
  readonly rememberMs: number
  readonly buildSeconds: number
  readonly tableMB: number
  readonly indexMB: number
}

interface SizeResults {
  readonly machine: Machine
  readonly measurements: SizeMeasurement[]
}

const sizes = [384, 768, 1536, 3072]
/** toast_tuple_target: rows above it have their largest part moved out of line. */
const placements = { 'in line': 8160, 'out of line': 2560 } as const

export async function run({ rows = [20_000], queries: queryCount = 40, out }: BenchOptions): Promise<void> {
  const folder = neededWikiFolder()
  const passages = readPassages(folder)
  const questions = readQuestions(folder).slice(0, queryCount)
  const size = Math.max(...rows)
  const file = out ?? resultFile('sizes', 'json')
  await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    await useVectorIndex(db, 'none')
    await storePassages(db, passages, 0, size)
    await db.execute(sql`CREATE TABLE staged AS SELECT id, text, tags, embedding FROM memory_items`)
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const results: SizeResults = { machine, measurements: [] }
    try {
      for (const dimensions of sizes) {
        for (const placement of ['in line', 'out of line'] as const) {
          // A vector of 12 KB fits into no page.
          if (dimensions === 3072 && placement === 'in line') continue
          const measured = await measure(db, client, dimensions, placement, questions)
          results.measurements.push({ dimensions, placement, rows: size, ...measured })
          writeResult(file, `${JSON.stringify(results, null, 1)}\n`)
        }
      }
    } finally {
      await client.end()
    }
    printTable(
      [
        'dimensions',
        '',
        'keyword',
        'exact 5 %',
        'exact 10 %',
        'HNSW',
        'recall',
        'bulk ms',
        'remember ms',
        'build s',
        'table MB',
        'index MB',
      ],
      results.measurements.map((row) => [
        `${row.dimensions}`,
        row.placement,
        ...[row.keyword, row.exact5, row.exact10, row.hnsw, row.recall, row.bulkInsertMs, row.rememberMs].map(
          String,
        ),
        ...[row.buildSeconds, row.tableMB, row.indexMB].map(String),
      ]),
    )
  })
}

async function measure(
  db: Database,
  client: postgres.Sql,
  dimensions: number,
  placement: keyof typeof placements,
  questions: readonly WikiText[],
) {
  await db.execute(sql`TRUNCATE memory_items`)
  await useVectorIndex(db, 'none')
  await useEmbeddingModel(db, { name: null, dimensions })
  await db.execute(sql.raw(`ALTER TABLE memory_items SET (toast_tuple_target = ${placements[placement]})`))
  const times = dimensions / 384
  const joined = Array.from({ length: times }, () => 'embedding').join(' || ')
  const bulk = await timed(() =>
    db.execute(
      sql.raw(
        `INSERT INTO memory_items (id, text, tags, embedding) SELECT id, text, tags, ${joined} FROM staged`,
      ),
    ),
  )
  await db.execute(sql`VACUUM ANALYZE memory_items`)
  const clock = await backendClock(client)
  const queries = questions.map(({ embedding }) => {
    const long = unit(Array.from({ length: times }, () => [...embedding]).flat())
    return `[${Array.from(long).join(',')}]`
  })
  const vectorSearch = (tag: string | null) => async (at: number) =>
    client.unsafe<{ id: string }[]>('SELECT id FROM vector_search($1::text::vector, $2::text[], 10)', [
      queries[at] as string,
      tag === null ? [] : [tag],
    ])
  const keyword = await median(
    questions.length,
    (at) => client.unsafe('SELECT id FROM bm25_search($1::text)', [questions[at]?.text as string]),
    clock,
  )
  const exact5 = await median(queries.length, vectorSearch('p5'), clock)
  const exact10 = await median(queries.length, vectorSearch('p10'), clock)
  const truth = await found(queries.length, vectorSearch(null))
  const built = await timed(() => useVectorIndex(db, 'hnsw'))
  const approximate = await found(queries.length, vectorSearch(null))
  const hnsw = await median(queries.length, vectorSearch(null), clock)
  const single = await median(50, (at) =>
    remember(db, {
      text: `${questions[at % questions.length]?.text} ${at}`,
      embedding: JSON.parse(queries[at % queries.length] as string),
    }),
  )
  const [bytes] = await queryRows(db, sql`SELECT pg_table_size('memory_items') AS data`)
  const hits = truth.map((ids, at) => ids.filter((id) => approximate[at]?.includes(id)).length)
  return {
    ...{ keyword, exact5, exact10, hnsw, rememberMs: single },
    recall: rounded(hits.reduce((sum, count) => sum + count, 0) / truth.flat().length),
    bulkInsertMs: Math.round(bulk.milliseconds),
    buildSeconds: rounded(built.milliseconds / 1000),
    tableMB: rounded(toNumber(bytes?.data) / 1e6),
    indexMB: rounded(built.result.bytes / 1e6),
  }
}

async function found(count: number, search: (at: number) => Promise<Iterable<{ id: string }>>) {
  const ids: string[][] = []
  for (let at = 0; at < count; at++) ids.push([...(await search(at))].map((row) => row.id))
  return ids
}

/** Of the better of two runs of each, so that a pause of the machine does not count. */
async function median(
  count: number,
  work: (at: number) => PromiseLike<unknown>,
  clock: () => number = () => performance.now(),
): Promise<number> {
  const once = async (at: number) => {
    const started = clock()
    await work(at)
    return clock() - started
  }
  const milliseconds: number[] = []
  for (let at = 0; at < count; at++) milliseconds.push(Math.min(await once(at), await once(at)))
  milliseconds.sort((a, b) => a - b)
  return rounded(milliseconds[Math.floor(count / 2)] as number)
}
