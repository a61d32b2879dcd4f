import postgres from 'postgres'
import { expect, it } from 'vitest'
import { bm25Search, rebuildSearchStatistics } from '../../src/index.ts'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { describeOnServer, type TestServer } from '../support/backends.ts'
import { exhaustiveSearch, expectExactStatistics, expectSameBest } from '../support/search-statistics.ts'
import { zipfQuery, zipfRows } from '../support/zipf-corpus.ts'

const seconds = Number(process.env.OPA_STORM_SECONDS || 15)
const texts = zipfRows(2000, { seed: 21, vocabulary: 800 }).map((row) => row.text)

/** What may happen where sessions write the same keys in any order: it is about memory_items, never the statistics. */
const expected = new Set(['40P01', '40001', '23505'])

interface Tally {
  readonly done: Map<string, number>
  readonly refused: string[]
  readonly deadlocks: string[]
}

describeOnServer('search statistics in a storm', (server) => {
  it(
    `are exact in every snapshot while 8 sessions write for ${seconds} s, and at the end`,
    async () => {
      const end = Date.now() + seconds * 1000
      const tally: Tally = { done: new Map(), refused: [], deadlocks: [] }
      const writers = Array.from({ length: 8 }, (_, at) => write(server, at, end, tally))
      const readers = Array.from({ length: 2 }, (_, at) => read(server, at, end))
      const [checked] = await Promise.all([Promise.all(readers), Promise.all(writers)])
      const checks = checked.reduce((sum, count) => sum + count, 0)

      expect(tally.refused).toEqual([])
      // A deadlock names the relations that were waited for.
      expect(tally.deadlocks.filter((detail) => /search_(totals|lexemes|log)/.test(detail))).toEqual([])
      expect(checks).toBeGreaterThan(3)
      for (const kind of ['upsert', 'upsert many', 'update', 'delete', 'copy']) {
        expect(tally.done.get(kind) ?? 0, kind).toBeGreaterThan(0)
      }
      await expectExactStatistics(server.db)
      await rebuildSearchStatistics(server.db)
      await expectExactStatistics(server.db)
      console.log(
        `storm: ${checks} checks, ${[...tally.done].map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
      )
    },
    (seconds + 60) * 1000,
  )
})

async function write(server: TestServer, at: number, end: number, tally: Tally): Promise<void> {
  const session = postgres(server.url, { max: 1, onnotice: () => {} })
  const random = seededRandom(100 + at)
  try {
    while (Date.now() < end) {
      try {
        await act(session, random, tally)
      } catch (error) {
        const { code = '', message, detail } = error as { code?: string; message: string; detail?: string }
        if (message === 'roll back') continue
        if (code === '40P01') tally.deadlocks.push(detail ?? '')
        if (!expected.has(code)) tally.refused.push(`${code} ${message}`)
      }
    }
  } finally {
    await session.end()
  }
}

async function act(session: postgres.Sql, random: () => number, tally: Tally): Promise<void> {
  const dice = random()
  if (dice < 0.5) return change(session, random, tally)
  if (dice < 0.53) return copy(session, random, tally)
  if (dice < 0.532) {
    count(tally, 'truncate')
    await session`TRUNCATE memory_items`
    return
  }
  const isolation = dice < 0.9 ? 'read committed' : dice < 0.95 ? 'repeatable read' : 'serializable'
  await session.begin(`isolation level ${isolation}`, async (transaction) => {
    for (let step = 0; step < 1 + 4 * random(); step++) {
      if (random() < 0.3) {
        await transaction
          .savepoint(async (savepoint) => {
            await change(savepoint, random, tally)
            if (random() < 0.4) throw new Error('to the savepoint')
          })
          .catch((error: Error) => {
            if (error.message !== 'to the savepoint') throw error
          })
      } else await change(transaction, random, tally)
    }
    if (random() < 0.2) throw new Error('roll back')
  })
}

async function change(sql: postgres.ISql, random: () => number, tally: Tally): Promise<void> {
  const id = () => `k${Math.floor(random() * 1500)}`
  const text = () => texts[Math.floor(random() * texts.length)] as string
  const prefix = `k${Math.floor(random() * 100)}%`
  const dice = random()
  if (dice < 0.3) {
    count(tally, 'upsert')
    await sql`INSERT INTO memory_items (id, text) VALUES (${id()}, ${text()}) ON CONFLICT (id) DO UPDATE SET text = excluded.text`
  } else if (dice < 0.42) {
    count(tally, 'upsert many')
    const ids = [...new Set(Array.from({ length: 2 + Math.floor(random() * 80) }, id))].sort()
    await sql`
      INSERT INTO memory_items (id, text) SELECT * FROM unnest(${ids}::text[], ${ids.map(text)}::text[])
      ON CONFLICT (id) DO UPDATE SET text = excluded.text
    `
  } else if (dice < 0.6) {
    count(tally, 'update')
    await sql`UPDATE memory_items SET text = ${text()} WHERE id = ${id()}`
  } else if (dice < 0.66) {
    count(tally, 'update of something else')
    await sql`UPDATE memory_items SET importance = random() WHERE id = ${id()}`
  } else if (dice < 0.82) {
    count(tally, 'delete')
    await sql`DELETE FROM memory_items WHERE id = ${id()}`
  } else if (dice < 0.86) {
    count(tally, 'delete many')
    await sql`DELETE FROM memory_items WHERE id IN (SELECT id FROM memory_items WHERE id LIKE ${prefix} ORDER BY id FOR UPDATE SKIP LOCKED)`
  } else if (dice < 0.92) {
    count(tally, 'update many')
    await sql`
      UPDATE memory_items AS m SET text = text || ' more'
      FROM (SELECT id AS old FROM memory_items WHERE id LIKE ${prefix} AND length(text) < 2000 ORDER BY id LIMIT 60 FOR UPDATE SKIP LOCKED) AS chosen
      WHERE m.id = old
    `
  } else {
    count(tally, 'rename')
    await sql`UPDATE memory_items SET id = ${id()} WHERE id = ${id()}`
  }
}

async function copy(session: postgres.Sql, random: () => number, tally: Tally): Promise<void> {
  count(tally, 'copy')
  const stream = await session`COPY memory_items (id, text) FROM STDIN`.writable()
  await new Promise<void>((resolve, reject) => {
    stream.on('finish', resolve).on('error', reject)
    for (let row = 0; row < 50; row++) {
      stream.write(`c${Math.floor(random() * 1e12)}\t${texts[Math.floor(random() * texts.length)]}\n`)
    }
    stream.end()
  })
}

function count({ done }: Tally, kind: string): void {
  done.set(kind, (done.get(kind) ?? 0) + 1)
}

async function read(server: TestServer, at: number, end: number): Promise<number> {
  const { db } = await server.connectAgain(1)
  const random = seededRandom(999 + at)
  let checks = 0
  while (Date.now() < end) {
    await db.transaction(
      async (snapshot) => {
        for (let repeat = 0; repeat < 2; repeat++) {
          await expectExactStatistics(snapshot)
          const queryText = zipfQuery(1 + Math.floor(random() * 6), random, 800)
          const k = 1 + Math.floor(random() * 30)
          const found = await bm25Search(snapshot, { queryText, k, filter: { fuzzy: false } })
          expectSameBest(found, await exhaustiveSearch(snapshot, { queryText, k }))
          checks++
        }
      },
      { isolationLevel: 'repeatable read' },
    )
  }
  return checks
}
