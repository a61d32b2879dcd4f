/**
 * `npm run bench -- history`: what keeping the history of memories costs inserts and updates: the same statements with it
 * on and off, in turn, one session.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { setMemoryHistory } from '../../src/index.ts'
import { backendClock } from './backend-clock.ts'
import type { BenchOptions } from './bench.ts'
import { describeMachine, printMachine } from './machine.ts'
import { latency, printTable, resultFile, rounded, withBar, writeResult } from './report.ts'
import { searchCorpus } from './search-corpus.ts'
import { withBenchDatabase } from './wiki-database.ts'

const rounds = 20

export async function run({ rows = [20_000], queries: calls = 40, out }: BenchOptions): Promise<void> {
  const size = Math.max(...rows)
  const corpus = await searchCorpus()
  const texts = [...corpus.rows(size)].map(({ text }) => text)
  const results = await withBenchDatabase(async ({ db, url }) => {
    const machine = await describeMachine(db)
    printMachine(machine)
    const client = postgres(url, { max: 1, onnotice: () => {} })
    try {
      const insert = (from: number, count: number) => client`
        INSERT INTO memory_items (id, text, metadata)
        SELECT ${from}::integer + place, text, jsonb_build_object('place', place)
        FROM unnest(${Array.from({ length: count }, (_, at) => texts[(from + at) % size] as string)}::text[])
          WITH ORDINALITY AS row (text, place)`
      await withBar(`storing ${size} rows`, size, async (update) => {
        for (let from = 0; from < size; from += 1000) {
          await insert(from, 1000)
          update(from + 1000)
        }
      })
      await db.execute(sql`SELECT fold_search_statistics()`)
      await db.execute(sql`VACUUM ANALYZE`)
      let next = size
      const row = () => String(1 + ((++next * 7919) % size))
      const insertNext = (count: number) => {
        next += count
        return insert(next - count, count)
      }
      const works: Record<string, () => Promise<unknown>> = {
        'insert 1 row': () => insertNext(1),
        'insert 100 rows': () => insertNext(100),
        'update a text': () => client`UPDATE memory_items SET text = text || ' more' WHERE id = ${row()}`,
        'update metadata': () =>
          client`UPDATE memory_items SET metadata = jsonb_build_object('seen', ${next}::integer) WHERE id = ${row()}`,
        'update 100 tags': () =>
          client`UPDATE memory_items SET tags = tags || ${[`t${next}`]}::text[]
            WHERE id = ANY (${Array.from({ length: 100 }, row)}::text[])`,
      }
      const clock = await backendClock(client)
      const measured = []
      for (const [name, work] of Object.entries(works)) {
        const times: Record<'on' | 'off', number[]> = { on: [], off: [] }
        const perRound = name.includes('100') ? Math.ceil(calls / 10) : calls
        await withBar(name, rounds, async (update) => {
          for (let round = -1; round < rounds; round++) {
            for (const state of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
              await setMemoryHistory(db, { isOn: state === 'on' })
              // Plans and triggers are read anew after the change.
              await work()
              const started = clock()
              for (let call = 0; call < perRound; call++) await work()
              if (round >= 0) times[state].push((clock() - started) / perRound)
            }
            update(round + 1)
          }
        })
        const [on, off] = [latency(times.on).p50, latency(times.off).p50]
        measured.push({ name, on, off, ratio: rounded(on / off) })
      }
      return { machine, corpus: corpus.name, rows: size, rounds, calls, measured }
    } finally {
      await client.end()
    }
  })
  printTable(
    ['', 'on ms', 'off ms', 'ratio'],
    results.measured.map(({ name, on, off, ratio }) => [name, on, off, ratio]),
  )
  writeResult(out ?? resultFile('history', 'json'), `${JSON.stringify(results, null, 1)}\n`)
}
