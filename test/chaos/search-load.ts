import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { queryRows, toNumber } from '../../src/database/rows.ts'
import { bm25Search, createMemory, embeddingModel, vectorSearch } from '../../src/index.ts'
import { exhaustiveSearch, expectExactStatistics, expectSameBest } from '../support/search-statistics.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'
import { zipfQuery } from '../support/zipf-corpus.ts'
import type { Chaos } from './chaos.ts'
import { isOvertaken } from './memory-load.ts'
import { repeat } from './report.ts'

/** Searches a server, and compares each search with a scan of every row in the same snapshot. */
export function searcher(chaos: Chaos, where: 'primary' | 'standby'): Promise<void> {
  const { report, signal } = chaos
  const db = chaos[where]
  return repeat(`searcher of the ${where}`, { report, signal, pause: 250 }, async () => {
    await db.transaction(
      async (snapshot) => {
        if (Math.random() < 0.5) await compareKeywords(snapshot)
        else await compareVectors(snapshot, chaos)
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    )
    report.count(`searches of the ${where}`)
  })
}

/** Keyword search against BM25 of every text, and the statistics against a recount. */
export async function compareKeywords(snapshot: Database): Promise<void> {
  await expectExactStatistics(snapshot)
  const queryText = zipfQuery(1 + Math.floor(Math.random() * 5), Math.random, 800)
  const k = 1 + Math.floor(Math.random() * 30)
  const found = await bm25Search(snapshot, { queryText, k, filter: { fuzzy: false } })
  const condition = sql`m.superseded_at IS NULL`
  expectSameBest(found, await exhaustiveSearch(snapshot, { queryText, k, condition }))
}

/** Search by meaning against the distance to every vector of the model in use. */
export async function compareVectors(snapshot: Database, { report }: Chaos): Promise<void> {
  const { id, name } = await embeddingModel(snapshot)
  const embedder = stormEmbedders.find(({ model }) => model === name)
  if (embedder === undefined) throw new Error(`there is no embedder of ${name}`)
  const [drawn] = await queryRows(snapshot, sql`SELECT text FROM memory_items ORDER BY random() LIMIT 1`)
  if (drawn === undefined) return
  const [queryEmbedding] = await embedder.embed([String(drawn.text)])
  if (queryEmbedding === undefined) throw new Error('expected a vector')
  const k = 10
  const found = await vectorSearch(snapshot, { queryEmbedding, k })
  const [place] = await queryRows(snapshot, sql`SELECT embedding_expression(${id}::integer) AS of`)
  const vector = sql.raw(`(${String(place?.of)})`)
  const nearest = await queryRows(
    snapshot,
    sql`
      SELECT id, 1 - (${vector} <=> ${`[${Array.from(queryEmbedding).join(',')}]`}::text::vector) AS similarity
      FROM memory_items AS m WHERE ${vector} IS NOT NULL AND superseded_at IS NULL
      ORDER BY 2 DESC LIMIT ${String(k)}::text::integer
    `,
  )
  report.check(
    found.length === nearest.length,
    `a search by meaning gave ${found.length} of ${nearest.length} memories`,
  )
  const least = toNumber(nearest.at(-1)?.similarity ?? 0)
  report.count('neighbours wanted', nearest.length)
  report.count('neighbours found', found.filter(({ similarity }) => similarity >= least - 1e-6).length)
  for (const { id, text, similarity } of found) {
    const [own] = await embedder.embed([text])
    const wanted = cosine(own as Float32Array, queryEmbedding as Float32Array)
    report.check(
      Math.abs(similarity - wanted) < 1e-3,
      `${id} has the similarity ${similarity}, not ${wanted}`,
    )
  }
}

function cosine(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let [product, squares, others] = [0, 0, 0]
  for (let at = 0; at < one.length; at++) {
    const [a, b] = [one[at] as number, other[at] as number]
    product += a * b
    squares += a * a
    others += b * b
  }
  return product / Math.sqrt(squares * others)
}

/** Recalls as a service does, on the standby while there is one. Whatever changes meanwhile, no two models are mixed. */
export function recaller({ primary, replicated, report, signal }: Chaos): Promise<void> {
  const memory = createMemory(replicated, stormEmbedders)
  return repeat('recaller', { report, signal, pause: 150 }, async () => {
    const [drawn] = await queryRows(primary, sql`SELECT id, text FROM memory_items ORDER BY random() LIMIT 1`)
    if (drawn === undefined) return
    const [id, text] = [String(drawn.id), String(drawn.text)]
    try {
      const { memories, embedded } = await memory.recall(text, { k: 10 })
      report.check(embedded, 'a question was not embedded')
      const own = memories.find((one) => one.id === id && one.text === text)
      const similarity = own?.vectorScore ?? 1
      report.check(similarity > 0.999, `${id} has the similarity ${similarity} to its own text`)
      report.count('recalled')
    } catch (error) {
      if (!isOvertaken(error)) throw error
      report.count('overtaken by a change of the model')
    }
  })
}
