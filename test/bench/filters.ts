/**
 * `npm run bench -- filters`: what conditions on metadata cost a keyword search, a list and a count, beside a tag that as
 * many rows have and beside the same condition written by hand over every match; and what isolation by namespaces costs a
 * keyword search, beside the same rows chosen by the filter.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { Database } from '../../src/database/database.ts'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { backendClock } from './backend-clock.ts'
import type { BenchOptions } from './bench.ts'
import { everyMatch, type Hit, hasSameScores } from './every-match.ts'
import { type IsolationMeasurement, measureIsolation } from './filters-isolation.ts'
import { describeMachine, printMachine } from './machine.ts'
import { latency, printTable, resultFile, rounded, withBar, writeResult } from './report.ts'
import { searchCorpus } from './search-corpus.ts'
import { withBenchDatabase } from './wiki-database.ts'

/** A condition in both forms; both pass `percent` of the rows. */
interface Condition {
  readonly name: string
  readonly percent: number
  readonly where: object
  readonly byHand: string
}

const bucket = "(m.metadata #> '{trip,bucket}')"
const below = (percent: number): Condition => ({
  name: 'lt',
  percent,
  where: { 'metadata.trip.bucket': { lt: percent * 10 } },
  byHand: `${bucket} < to_jsonb(${percent * 10})`,
})

/** `metadata.trip.bucket` is 0 to 999, as often each. */
const conditions: readonly Condition[] = [
  { name: 'eq', percent: 0.1, where: { 'metadata.trip.bucket': { eq: 7 } }, byHand: `${bucket} = '7'` },
  {
    name: 'in',
    percent: 1,
    where: { 'metadata.trip.bucket': { in: Array.from({ length: 10 }, (_, at) => at * 3) } },
    byHand: `${bucket} = ANY (ARRAY(SELECT to_jsonb(3 * at) FROM generate_series(0, 9) AS at))`,
  },
  {
    name: 'eq',
    percent: 5,
    where: { 'metadata.kind': { eq: 'k3' } },
    byHand: `m.metadata @> '{"kind": "k3"}'`,
  },
  ...[1, 10, 50].map(below),
  {
    name: 'or, not',
    percent: 14.5,
    where: {
      or: [{ 'metadata.kind': { in: ['k1', 'k2'] } }, { 'metadata.trip.bucket': { lt: 50 } }],
      not: { 'metadata.trip.bucket': { gte: 1000 } },
    },
    byHand: `(m.metadata ->> 'kind' IN ('k1', 'k2') OR ${bucket} < '50') AND NOT ${bucket} >= '1000'`,
  },
]

const tagOf = (percent: number) => `t${percent}`
const tagPercents = [...new Set(conditions.map(({ percent }) => percent))]

export async function run({ rows = [100_000], queries = 40, out }: BenchOptions): Promise<void> {
  const corpus = await searchCorpus()
  const results = await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const measured: FilterMeasurement[] = []
    const isolation: IsolationMeasurement[] = []
    try {
      const clock = await backendClock(client)
      for (const size of rows) {
        await db.execute(sql`TRUNCATE memory_items`)
        await store(db, corpus.rows(size), size)
        for (const condition of conditions) {
          const what = `${condition.name}, ${condition.percent} % of ${size}`
          measured.push(
            await withBar(what, queries, (update) =>
              measure(client, clock, { size, condition, texts: corpus.short.slice(0, queries), update }),
            ),
          )
        }
        isolation.push(...(await measureIsolation(db, url, { size, texts: corpus.short.slice(0, queries) })))
      }
    } finally {
      await client.end()
    }
    return { machine, corpus: corpus.name, queries, measured, isolation }
  })
  print(results.measured)
  writeResult(out ?? resultFile('filters', 'json'), `${JSON.stringify(results, null, 1)}\n`)
}

async function store(
  db: Database,
  rows: Iterable<{ readonly id: string; readonly text: string }>,
  size: number,
): Promise<void> {
  const random = seededRandom(11)
  await withBar(`storing ${size} rows`, size, async (update) => {
    let batch: object[] = []
    let stored = 0
    for (const { id, text } of rows) {
      stored += 1
      const tags = tagPercents.filter((percent) => random() < percent / 100).map(tagOf)
      const metadata = {
        trip: { bucket: Math.floor(random() * 1000), year: 2000 + Math.floor(random() * 25) },
        kind: `k${Math.floor(random() * 20)}`,
      }
      const namespace = random() < 0.5 ? 'half' : random() < 0.1 ? 'twentieth' : 'rest'
      batch.push({ id, text, tags, metadata, namespace })
      if (batch.length === 5000 || stored === size) {
        await db.execute(sql`INSERT INTO memory_items (id, text, tags, metadata, namespace)
          SELECT id, text, ARRAY(SELECT json_array_elements_text(tags)), metadata, namespace
          FROM json_to_recordset(${JSON.stringify(batch)}::text::json)
            AS row (id text, text text, tags json, metadata jsonb, namespace text)`)
        batch = []
        update(stored)
      }
    }
  })
  await db.execute(sql`SELECT fold_search_statistics()`)
  await db.execute(sql`VACUUM ANALYZE`)
}

interface Measuring {
  readonly size: number
  readonly condition: Condition
  readonly texts: readonly string[]
  readonly update: (done: number) => void
}

export interface FilterMeasurement {
  readonly rows: number
  readonly name: string
  readonly percent: number
  /** Mean milliseconds of the best 10 for one to three words: by metadata, by a tag, by hand over every match. */
  readonly search: number
  readonly byTag: number
  readonly byHand: number
  /** Results with the scores of those that were taken by hand from every match. */
  readonly identical: number
  readonly compared: number
  /** Mean milliseconds of the 50 newest, and of the number of all. */
  readonly list: number
  readonly count: number
}

async function measure(
  client: postgres.Sql,
  clock: () => number,
  { size, condition, texts, update }: Measuring,
): Promise<FilterMeasurement> {
  const { name, percent, where, byHand } = condition
  const filter = JSON.stringify({ fuzzy: false, where })
  const search = 'SELECT id, score FROM bm25_search($1::text, $2::text[], 10, $3::text::jsonb)'
  const calls = {
    search: (text: string) => client.unsafe(search, [text, [], filter], { prepare: true }),
    byTag: (text: string) =>
      client.unsafe(search, [text, [tagOf(percent)], '{"fuzzy": false}'], { prepare: true }),
    byHand: (text: string) => client.unsafe(everyMatch('10', byHand), [text], { prepare: true }),
    list: () =>
      client.unsafe(
        'SELECT id FROM list_memories(k => 50, filter => $1::text::jsonb)',
        [JSON.stringify({ where })],
        { prepare: true },
      ),
    count: () =>
      client.unsafe('SELECT count_memories(filter => $1::text::jsonb)', [JSON.stringify({ where })], {
        prepare: true,
      }),
  }
  const times: Record<keyof typeof calls, number[]> = {
    search: [],
    byTag: [],
    byHand: [],
    list: [],
    count: [],
  }
  let identical = 0
  for (const [at, text] of texts.entries()) {
    const hits = new Map<string, Hit[]>()
    for (const [kind, call] of Object.entries(calls) as [
      keyof typeof calls,
      (text: string) => Promise<unknown>,
    ][]) {
      // Lists and counts do not depend on the text.
      if ((kind === 'list' || kind === 'count') && at >= 5) continue
      await call(text)
      const started = clock()
      hits.set(kind, (await call(text)) as Hit[])
      times[kind].push(clock() - started)
    }
    if (hasSameScores(hits.get('search'), hits.get('byHand'))) identical += 1
    update(at + 1)
  }
  const mean = (kind: keyof typeof calls) => latency(times[kind]).mean
  return {
    rows: size,
    name,
    percent,
    search: mean('search'),
    byTag: mean('byTag'),
    byHand: mean('byHand'),
    identical,
    compared: texts.length,
    list: mean('list'),
    count: mean('count'),
  }
}

function print(measured: readonly FilterMeasurement[]): void {
  printTable(
    [
      'rows condition %',
      'bm25_search ms',
      'by a tag',
      'every match',
      'tag / metadata',
      'identical',
      'list ms',
      'count ms',
    ],
    measured.map(({ rows, name, percent, search, byTag, byHand, identical, compared, list, count }) => [
      `${rows} ${name} ${percent}`,
      search,
      byTag,
      byHand,
      rounded(byTag / search),
      `${identical}/${compared}`,
      list,
      count,
    ]),
  )
}
