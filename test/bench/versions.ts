import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import postgres from 'postgres'
import { connect, migrate } from '../../src/index.ts'
import { databaseUrl, withAdmin } from '../support/server-setup.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, printMachine } from './machine.ts'
import { printTable, resultFile, rounded, withBar, writeResult } from './report.ts'
import { type SearchCorpus, searchCorpus, shareTag } from './search-corpus.ts'

/** The schema of version 0.1.0, from the tests of its adoption. */
const before = gunzipSync(
  readFileSync(new URL('../fixtures/history-0.1.0.sql.gz', import.meta.url)),
).toString()

type Session = postgres.Sql
type Work = (session: Session, turn: number) => Promise<unknown>

export interface VersionMeasurement {
  readonly what: string
  /** Milliseconds a call: the median of the rounds' means. */
  readonly before: number
  readonly now: number
  /** The median of the rounds' ratios, now / before, and the middle half of them. */
  readonly ratio: number
  readonly from: number
  readonly to: number
}

const rounds = 15

/**
 * What the additions of this version cost what there was: the same calls of the SQL functions in a database of version
 * 0.1.0 and in one of this version, in turn, one session each.
 */
export async function run({ rows = [100_000], queries = 40, out }: BenchOptions): Promise<void> {
  const corpus = await searchCorpus()
  const results: { rows: number; measurements: VersionMeasurement[] }[] = []
  let machine: Awaited<ReturnType<typeof describeMachine>> | undefined
  for (const count of rows) {
    await withBoth(async (sessions, url) => {
      if (machine === undefined) {
        const { db, close } = await connect({ kind: 'server', url })
        machine = await describeMachine(db)
        await close()
        printMachine(machine)
      }
      for (const session of sessions) await fill(session, corpus, count)
      const measurements = await measure(sessions, corpus, queries)
      console.log(`\n${count} rows of ${corpus.name}, ${queries} queries, ${rounds} rounds`)
      printTable(
        ['', '0.1.0 ms', 'now ms', 'ratio', 'middle half'],
        measurements.map(({ what, before, now, ratio, from, to }) => [
          what,
          before,
          now,
          ratio,
          `${from} to ${to}`,
        ]),
      )
      results.push({ rows: count, measurements })
    })
  }
  const report = { machine, corpus: corpus.name, queries, rounds, results }
  writeResult(out ?? resultFile('versions', 'json'), `${JSON.stringify(report, null, 2)}\n`)
}

async function withBoth(work: (sessions: [Session, Session], url: string) => Promise<void>): Promise<void> {
  const server = process.env.DATABASE_URL
  if (!server) throw new Error('expected DATABASE_URL, the server to measure on')
  const names = ['before', 'now'].map((name) => `opa_bench_${name}_${randomBytes(4).toString('hex')}`)
  const urls = names.map((name) => databaseUrl(server, name)) as [string, string]
  await withAdmin(server, async (admin) => {
    for (const name of names) await admin.unsafe(`CREATE DATABASE ${name}`)
  })
  try {
    const sessions = urls.map((url) => postgres(url, { max: 1, onnotice: () => {} })) as [Session, Session]
    try {
      await sessions[0].unsafe(before)
      await sessions[0].unsafe('RESET ALL; SET search_path = public')
      const { db, close } = await connect({ kind: 'server', url: urls[1] })
      await migrate(db).finally(close)
      await work(sessions, urls[1])
    } finally {
      await Promise.all(sessions.map((session) => session.end()))
    }
  } finally {
    await withAdmin(server, async (admin) => {
      for (const name of names) await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    })
  }
}

async function fill(session: Session, corpus: SearchCorpus, count: number): Promise<void> {
  await withBar(`storing ${count} rows`, count, async (update) => {
    let batch: object[] = []
    let stored = 0
    for (const row of corpus.rows(count)) {
      batch.push({ ...row, namespace: stored % 2 === 0 ? 'default' : 'other' })
      stored += 1
      if (batch.length === 2000 || stored === count) {
        await insert(session, batch)
        batch = []
        update(stored)
      }
    }
  })
  // As after the next write: until then up to sixteen bulk statements wait to be added to the statistics.
  await session`SELECT fold_search_statistics()`
  await session`VACUUM ANALYZE memory_items`
}

async function insert(session: Session, rows: readonly object[]): Promise<void> {
  await session`INSERT INTO memory_items (id, namespace, text, tags)
    SELECT id, namespace, text, ARRAY(SELECT json_array_elements_text(tags))
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS row (id text, namespace text, text text, tags json)`
}

async function measure(
  sessions: [Session, Session],
  corpus: SearchCorpus,
  queries: number,
): Promise<VersionMeasurement[]> {
  const search = (texts: readonly string[], filter: object, tags: string[] = []): Work => {
    return (session, turn) =>
      session`SELECT * FROM bm25_search(${texts[turn % texts.length] as string}, ${tags}::text[], 10, ${JSON.stringify({ fuzzy: false, ...filter })}::text::jsonb)`
  }
  const texts = [...corpus.rows(3000)].map(({ text }) => text)
  const write =
    (batch: number): Work =>
    (session, turn) => {
      const rows = Array.from({ length: batch }, (_, at) => ({
        id: `${batch}-${turn}-${at}`,
        text: `${texts[(turn * batch + at) % texts.length]}`,
        tags: [],
        namespace: 'default',
      }))
      return insert(session, rows)
    }
  const jobs =
    (batch: number): Work =>
    async (session) => {
      const claimed =
        await session`SELECT id, lease_token FROM claim('bench', 'w', ${batch}::integer, lease_seconds => 60)`
      if (claimed.length !== batch) throw new Error(`expected ${batch} jobs, got ${claimed.length}`)
      await session`SELECT * FROM complete_many(${claimed.map(({ id }) => id)}::text[], ${claimed.map(({ lease_token }) => lease_token)}::bigint[])`
    }
  const works: [string, number, Work][] = [
    ['1 to 3 words', queries, search(corpus.short, {})],
    ['1 to 3 words, in a namespace', queries, search(corpus.short, { namespace: 'other' })],
    ['1 to 3 words, tag of 5 %', queries, search(corpus.short, {}, [shareTag(5)])],
    ['questions', queries, search(corpus.questions, {})],
    ['questions, in a namespace', queries, search(corpus.questions, { namespace: 'other' })],
    ['1 to 3 words, with correction', queries, search(corpus.short, { fuzzy: true })],
    ['insert 1 row', 40, write(1)],
    ['insert 100 rows', 4, write(100)],
    [
      'update the text of 1 row',
      40,
      (session, turn) => session`UPDATE memory_items SET text = text || ' more' WHERE id = ${`1-${turn}-0`}`,
    ],
    ['claim and complete 1 job', 40, jobs(1)],
    ['claim and complete 100 jobs', 4, jobs(100)],
  ]
  for (const session of sessions) {
    await session`SELECT enqueue('a', queue => 'bench') FROM generate_series(1, 8000)`
    await session`VACUUM ANALYZE jobs`
  }
  const measurements: VersionMeasurement[] = []
  for (const [what, calls, work] of works) {
    measurements.push(await withBar(what, rounds, (update) => alternate(sessions, what, calls, work, update)))
  }
  return measurements
}

/** Both in turn, each first in every other round: what else the machine does hits both alike. */
async function alternate(
  sessions: [Session, Session],
  what: string,
  calls: number,
  work: Work,
  update: (done: number) => void,
): Promise<VersionMeasurement> {
  const times: [number[], number[]] = [[], []]
  const ratios: number[] = []
  for (let round = -1; round < rounds; round++) {
    const took = [0, 0]
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const session = sessions[which] as Session
      const started = performance.now()
      for (let call = 0; call < calls; call++) await work(session, (round + 1) * calls + call)
      took[which] = (performance.now() - started) / calls
    }
    update(round + 1)
    // The first is not counted: plans and caches.
    if (round < 0) continue
    const [old = 0, now = 0] = took
    times[0].push(old)
    times[1].push(now)
    ratios.push(now / old)
  }
  const at = (values: number[], share: number) =>
    rounded([...values].sort((one, other) => one - other)[Math.floor(share * (values.length - 1))] ?? 0)
  return {
    what,
    before: at(times[0], 0.5),
    now: at(times[1], 0.5),
    ratio: at(ratios, 0.5),
    from: at(ratios, 0.25),
    to: at(ratios, 0.75),
  }
}
