/**
 * `npm run bench -- choice`: vector_search beside the two ways that it chooses from, the exact scan and the index, for
 * filters that 0.01 to 100 % of the rows pass, at 384 and at 1,536 dimensions. The longer vectors are the sample's, joined
 * to themselves: every cosine is the same.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { useEmbeddingModel, useVectorIndex } from '../../src/index.ts'
import { backendClock } from './backend-clock.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, printMachine } from './machine.ts'
import { printTable, resultFile, rounded, writeResult } from './report.ts'
import { readPassages, readQuestions, unit } from './wiki-corpus.ts'
import { neededWikiFolder, shareTag, storePassages, withBenchDatabase } from './wiki-database.ts'

const percents = [0.01, 0.1, 1, 5, 10, 50, 100]
/** Below it the index is never the better choice, and takes seconds. */
const fewestForIndex = 1

const vector =
  'CASE WHEN m.embedding_model = 1 THEN m.embedding WHEN m.next_embedding_model = 1 THEN m.next_embedding END'
const condition = `(m.expires_at IS NULL OR m.expires_at > now()) AND ('{}' = $1 OR m.tags && $1)`

export async function run({ rows = [20_000], queries = 10, out }: BenchOptions): Promise<void> {
  const folder = neededWikiFolder()
  const size = Math.max(...rows)
  const questions = readQuestions(folder).slice(0, queries)
  await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    await useVectorIndex(db, 'none')
    await storePassages(db, readPassages(folder), 0, size)
    await db.execute(sql`CREATE TABLE staged AS SELECT id, text, tags, embedding FROM memory_items`)
    const client = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
    try {
      await client`SET max_parallel_workers_per_gather = 0`
      const clock = await backendClock(client)
      const measured = []
      for (const dimensions of [384, 1536]) {
        await db.execute(sql`TRUNCATE memory_items`)
        await useEmbeddingModel(db, { name: null, dimensions })
        const joined = Array.from({ length: dimensions / 384 }, () => 'embedding').join(' || ')
        await db.execute(
          sql.raw(
            `INSERT INTO memory_items (id, text, tags, embedding) SELECT id, text, tags, ${joined} FROM staged`,
          ),
        )
        await useVectorIndex(db, 'hnsw')
        await db.execute(sql`VACUUM ANALYZE memory_items`)
        for (const percent of percents) {
          measured.push({
            dimensions,
            percent,
            ...(await measure(client, clock, dimensions, percent, questions)),
          })
        }
        await useVectorIndex(db, 'none')
      }
      writeResult(
        out ?? resultFile('choice', 'json'),
        `${JSON.stringify({ machine, rows: size, measured }, null, 1)}\n`,
      )
      printTable(
        ['dimensions', '%', 'exact ms', 'index ms', 'vector_search ms', 'recall'],
        measured.map(({ dimensions, percent, exact, index, search, recall }) =>
          [dimensions, percent, exact, index ?? '', search, recall].map(String),
        ),
      )
    } finally {
      await client.end()
    }
  })
}

async function measure(
  client: postgres.Sql,
  clock: () => number,
  dimensions: number,
  percent: number,
  questions: readonly { readonly embedding: ArrayLike<number> }[],
) {
  const tag = shareTag(percent)
  const tags = tag === null ? '{}' : `{${tag}}`
  const times = { exact: [] as number[], index: [] as number[], search: [] as number[] }
  let found = 0
  let wanted = 0
  for (const { embedding } of questions) {
    const long = unit(Array.from({ length: dimensions / 384 }, () => Array.from(embedding)).flat())
    const query = `[${Array.from(long).join(',')}]`
    const ask = async (kind: keyof typeof times, statement: string, values: (string | number)[]) => {
      const started = clock()
      const rows = await client.unsafe<{ id: string }[]>(statement, values)
      times[kind].push(clock() - started)
      return rows.map((row) => row.id)
    }
    const truth = await ask(
      'exact',
      `SELECT m.id FROM memory_items AS m WHERE (${vector}) IS NOT NULL AND ${condition.replaceAll('$1', '$1::text[]')}
       ORDER BY (${vector}) <=> $2::text::vector, m.id COLLATE "C" LIMIT 10`,
      [tags, query],
    )
    if (percent >= fewestForIndex) {
      await ask(
        'index',
        `SELECT id FROM vector_index_rows($2::text::vector, NULL, $3::text, $1::text[], 10, '{}', 1, $4::integer, 'hnsw', 0)`,
        [tags, query, condition, dimensions],
      )
    }
    const results = await ask('search', 'SELECT id FROM vector_search($2::text::vector, $1::text[], 10)', [
      tags,
      query,
    ])
    found += results.filter((id) => truth.includes(id)).length
    wanted += truth.length
  }
  const median = (values: number[]) =>
    rounded(values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
  return {
    exact: median(times.exact),
    index: times.index.length > 0 ? median(times.index) : null,
    search: median(times.search),
    recall: rounded(found / wanted),
  }
}
