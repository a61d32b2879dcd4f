/**
 * `npm run bench -- semantics`: what recency, importance and diversity cost hybrid_search, and what row-level security
 * costs every search, against a filter on the same namespace, by real questions over real passages.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { enableNamespaceIsolation } from '../../src/isolation/namespace-isolation.ts'
import { useVectorIndex } from '../../src/vector-index/use-vector-index.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, printMachine } from './machine.ts'
import { type Latency, latency, printTable, resultFile, timed, withBar, writeResult } from './report.ts'
import { readPassages, readQuestions, type WikiText } from './wiki-corpus.ts'
import { neededWikiFolder, storePassages, withBenchDatabase } from './wiki-database.ts'

const k = 10
const percents = [1, 10, 50] as const
const options = [
  '{}',
  '{"recency":30}',
  '{"recency":365}',
  '{"importance":0.5}',
  '{"recency":90,"importance":0.5}',
]
const others = ['{"diversity":0.7}', '{"candidates":1000}']
const statements = {
  bm25: `SELECT id FROM bm25_search($1, k => ${k}, filter => $3::text::jsonb) WHERE $2::text IS NOT NULL`,
  vector: `SELECT id FROM vector_search($2::text::vector, k => ${k}, filter => $3::text::jsonb) WHERE $1::text IS NOT NULL`,
  hybrid: `SELECT id FROM hybrid_search($1, $2::text::vector, k => ${k}, filter => $3::text::jsonb)`,
  rrf: `SELECT id FROM hybrid_search($1, $2::text::vector, k => ${k}, filter => $3::text::jsonb, fusion => 'rrf')`,
}
type Kind = keyof typeof statements

export async function run({ rows = [100_000], queries = 100, out }: BenchOptions): Promise<void> {
  const folder = neededWikiFolder()
  const passages = readPassages(folder)
  const questions = readQuestions(folder).slice(0, queries)
  const size = rows.at(-1) ?? 100_000
  await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    await useVectorIndex(db, 'none')
    await storePassages(db, passages, 0, size)
    // Namespaces of so many percent; times spread over two years, importances over 0 to 1, both unlike the text's.
    await db.execute(sql`
      WITH numbered AS (SELECT id, row_number() OVER (ORDER BY md5(id)) AS number FROM memory_items)
      UPDATE memory_items AS m SET
        namespace = CASE WHEN number % 100 = 0 THEN 'p1' WHEN number % 100 <= 10 THEN 'p10' WHEN number % 100 <= 60 THEN 'p50' ELSE 'rest' END,
        importance = (number * 7919 % 1000) / 1000.0,
        created_at = now() - (number * 104729 % 730000) / 1000.0 * interval '1 day'
      FROM numbered WHERE numbered.id = m.id
    `)
    await db.execute(sql`VACUUM (FULL, ANALYZE) memory_items`)
    await withBar('building hnsw', 1, () => useVectorIndex(db, 'hnsw'))

    const owner = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
    const roles = percents.map((percent) => `opa_bench_p${percent}_${randomBytes(4).toString('hex')}`)
    try {
      const ranking: { filter: string; fusion: Kind; milliseconds: Latency }[] = []
      for (const fusion of ['hybrid', 'rrf'] as const) {
        for (const filter of [...options, ...others]) {
          const { milliseconds } = await ask(owner, fusion, filter, questions)
          ranking.push({ filter, fusion, milliseconds })
        }
      }
      printTable(
        ['options of hybrid_search', 'fusion', 'mean ms', 'p50', 'p95'],
        ranking.map(({ filter, fusion, milliseconds }) => [
          filter,
          fusion === 'rrf' ? 'rrf' : 'convex',
          ...[milliseconds.mean, milliseconds.p50, milliseconds.p95].map((ms) => ms.toFixed(1)),
        ]),
      )
      const isolation = await measureIsolation(owner, url, roles, questions)
      const results = { machine, queries: questions.length, rows: size, k, ranking, isolation }
      writeResult(out ?? resultFile('semantics', 'json'), `${JSON.stringify(results, null, 1)}\n`)
    } finally {
      for (const role of roles) {
        await owner.unsafe(`DO $$ BEGIN EXECUTE 'DROP OWNED BY ${role}'; EXECUTE 'DROP ROLE ${role}';
          EXCEPTION WHEN undefined_object THEN NULL; END $$`)
      }
      await owner.end()
    }
  })
}

async function measureIsolation(
  owner: postgres.Sql,
  url: string,
  roles: readonly string[],
  questions: readonly WikiText[],
) {
  const measurements: { percent: number; kind: Kind; filter: Latency; isolated: Latency; recall: number }[] =
    []
  const { drizzle } = await import('drizzle-orm/postgres-js')
  for (const [at, percent] of percents.entries()) {
    const role = roles[at] as string
    await owner.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    await owner.unsafe(`GRANT SELECT ON memory_items TO ${role}`)
    await enableNamespaceIsolation(drizzle(owner), { roles: { [role]: [`p${percent}`] } })
    const tenant = postgres(Object.assign(new URL(url), { username: role, password: 'secret' }).toString(), {
      max: 1,
      prepare: false,
    })
    try {
      for (const kind of ['bm25', 'vector', 'hybrid'] as const) {
        // The owner sees all, and narrows by the filter.
        const filter = await ask(owner, kind, `{"namespace":"p${percent}"}`, questions)
        const isolated = await ask(tenant, kind, '{}', questions)
        const recall = kind === 'vector' ? await recallOf(owner, percent, questions, isolated.found) : 1
        measurements.push({
          percent,
          kind,
          filter: filter.milliseconds,
          isolated: isolated.milliseconds,
          recall,
        })
      }
    } finally {
      await tenant.end()
    }
  }
  printTable(
    ['% of the rows', 'search', 'filter: mean ms', 'p95', 'isolated: mean ms', 'p95', 'recall'],
    measurements.map(({ percent, kind, filter, isolated, recall }) => [
      percent,
      kind,
      ...[filter.mean, filter.p95, isolated.mean, isolated.p95].map((ms) => ms.toFixed(1)),
      kind === 'vector' ? recall.toFixed(3) : '',
    ]),
  )
  return measurements
}

/** Each question once unmeasured, so that none reads its pages for the others, then measured. */
async function ask(
  client: postgres.Sql,
  kind: Kind,
  filter: string,
  questions: readonly WikiText[],
): Promise<{ milliseconds: Latency; found: string[][] }> {
  const milliseconds: number[] = []
  const found: string[][] = []
  for (const { text, embedding } of questions) {
    const call = () => client.unsafe(statements[kind], [text, `[${embedding.join(',')}]`, filter])
    await call()
    const measured = await timed(call)
    milliseconds.push(measured.milliseconds)
    found.push(measured.result.map((row) => String(row.id)))
  }
  return { milliseconds: latency(milliseconds), found }
}

async function recallOf(
  owner: postgres.Sql,
  percent: number,
  questions: readonly WikiText[],
  found: readonly string[][],
): Promise<number> {
  let hits = 0
  let wanted = 0
  for (const [at, { embedding }] of questions.entries()) {
    const exact = await owner.unsafe(
      `SELECT id FROM memory_items WHERE namespace = $1 AND embedding IS NOT NULL
        ORDER BY (embedding <=> $2::text::vector) + 0, id COLLATE "C" LIMIT ${k}`,
      [`p${percent}`, `[${embedding.join(',')}]`],
    )
    hits += exact.filter((row) => found[at]?.includes(String(row.id))).length
    wanted += exact.length
  }
  return hits / wanted
}
