import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import { embeddingModel, hybridSearch, rebuildSearchStatistics, vectorIndexHealth } from '../../src/index.ts'
import { meaningOf, type OracleRow, readCorpus } from '../support/bm25-oracle.ts'
import { hybridOracle } from '../support/hybrid-oracle.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'
import { zipfQuery } from '../support/zipf-corpus.ts'
import type { Chaos } from './chaos.ts'
import { compareKeywords, compareVectors } from './search-load.ts'
import { insist } from './zombies.ts'

/** Every memory is what it was acknowledged to be, whole, with the vector of its text. */
export async function judgeMemories({ primary, ledger, report }: Chaos): Promise<void> {
  const { id: model, name } = await embeddingModel(primary)
  const embedder = stormEmbedders.find((one) => one.model === name)
  const rows = await queryRows(
    primary,
    sql`
      SELECT id, text, text || COALESCE(' -> ' || superseded_by, '') AS value, embedding::text AS embedding,
        embedding_model AS model, next_embedding IS NULL AND next_embedding_model IS NULL AS settled
      FROM memory_items
    `,
  )
  const actual = new Map(rows.map((row) => [String(row.id), String(row.value)]))
  compareWithLedger(ledger.ids, actual, { ledger, report })
  const known = new Set(ledger.ids)
  for (const id of actual.keys()) report.check(known.has(id), `nobody wrote ${id}`)
  for (const { id, text, embedding, settled, model: own } of rows) {
    const [vector] = (await embedder?.embed([String(text)])) ?? []
    const isRight =
      embedding !== null &&
      JSON.stringify(JSON.parse(String(embedding))) === JSON.stringify([...(vector ?? [])])
    report.check(isRight && settled === true && Number(own) === model, `${id} has not the vector of its text`)
  }
  console.log(`${actual.size} memories are there, ${ledger.ids.length} were written in all`)
}

/** Each row is one that was acknowledged or may be, and the rows of one call are all changed by it, or none. */
function compareWithLedger(
  ids: readonly string[],
  actual: ReadonlyMap<string, string>,
  { ledger, report }: Pick<Chaos, 'ledger' | 'report'>,
): void {
  const isNow = (id: string) => actual.get(id) ?? null
  for (const id of ids) {
    const candidates = ledger.candidates(id)
    if (!candidates.includes(isNow(id)))
      report.wrong(`${id} is ${shown(isNow(id))}, acknowledged was ${candidates.map(shown).join(' or ')}`)
  }
  const asked = new Set(ids)
  for (const { changes } of ledger.openWrites()) {
    if (![...changes.keys()].every((id) => asked.has(id))) continue
    const happened = [...changes].filter(([id, value]) => isNow(id) === value).length
    report.check(
      happened === 0 || happened === changes.size,
      `of the changes of ${[...changes.keys()].join(', ')} in one call, ${happened} happened`,
    )
  }
}

/** Looks what became of writes whose fate was open when a primary died: nobody can be at them any more. */
export async function confirmMemories({ primary, ledger, report }: Chaos, died: number): Promise<void> {
  const ids = ledger.openSince(died)
  if (ids.length === 0) return
  const rows = await insist(() =>
    queryRows(
      primary,
      sql`
        SELECT id, text || COALESCE(' -> ' || superseded_by, '') AS value FROM memory_items
        WHERE id IN (SELECT json_array_elements_text(${JSON.stringify(ids)}::text::json))
      `,
    ),
  )
  const actual = new Map(rows.map((row) => [String(row.id), String(row.value)]))
  compareWithLedger(ids, actual, { ledger, report })
  for (const id of ids) ledger.confirm(id, actual.get(id) ?? null)
  report.count('open writes looked up', ids.length)
}

function shown(value: string | null): string {
  return value === null ? 'not there' : `"…${value.slice(-40)}"`
}

/** The statistics are those of a recount, before and after they are rebuilt, and the same on the standby. */
export async function judgeStatistics({ cluster, primary, standby, report }: Chaos): Promise<void> {
  await judged(report, 'the statistics of the primary', () => expectExactStatistics(primary))
  await cluster.whenCaughtUp()
  await judged(report, 'the statistics of the standby', () => expectExactStatistics(standby))
  const kept = await statisticsOf(primary)
  await rebuildSearchStatistics(primary)
  report.check((await statisticsOf(primary)) === kept, 'rebuilt statistics differ from those that were kept')
  await judged(report, 'the rebuilt statistics', () => expectExactStatistics(primary))
}

async function statisticsOf(db: Database): Promise<string> {
  const [row] = await queryRows(
    db,
    sql`
      SELECT json_build_array(documents, total_length, document_frequencies)::text AS statistics
      FROM search_statistics((
        SELECT array_agg(DISTINCT word ORDER BY word) FROM memory_items, unnest(tsvector_to_array(search_vector)) AS word
      ))
    `,
  )
  return String(row?.statistics)
}

/** Keyword, vector and hybrid searches give on both servers what a scan of every row gives. */
export async function judgeSearches(chaos: Chaos): Promise<void> {
  const { primary, standby, report } = chaos
  for (const [where, db] of Object.entries({ primary, standby })) {
    for (let turn = 0; turn < 15; turn++) {
      await judged(report, `keyword search of the ${where}`, () => compareKeywords(db))
      await judged(report, `vector search of the ${where}`, () => compareVectors(db, chaos))
    }
    await judged(report, `hybrid search of the ${where}`, () => compareHybrid(db, chaos))
  }
  const [wanted, found] = [report.counted('neighbours wanted'), report.counted('neighbours found')]
  report.check(found >= 0.95 * wanted, `searches by meaning found ${found} of the ${wanted} nearest`)
  const { recall, valid, leftovers } = await vectorIndexHealth(primary)
  report.check((recall ?? 1) >= 0.95 && valid, `the vector index is valid: ${valid}, its recall is ${recall}`)
  report.check(leftovers.length === 0, `indexes are left over: ${leftovers.join(', ')}`)
}

async function compareHybrid(db: Database, { report }: Chaos): Promise<void> {
  const gone = new Set(
    (await queryRows(db, sql`SELECT id FROM memory_items WHERE superseded_at IS NOT NULL`)).map(({ id }) =>
      String(id),
    ),
  )
  // The superseded count in the statistics and are in no result, as the expired.
  const corpus = (await readCorpus(db)).map(
    (row): OracleRow => (gone.has(row.id) ? { ...row, expired: true } : row),
  )
  const { name } = await embeddingModel(db)
  const embedder = stormEmbedders.find(({ model }) => model === name)
  for (let turn = 0; turn < 8; turn++) {
    const queryText = zipfQuery(1 + Math.floor(Math.random() * 4), Math.random, 800)
    const [vector] = (await embedder?.embed([corpus[turn]?.text ?? queryText])) ?? []
    if (vector === undefined) throw new Error(`there is no embedder of ${name}`)
    const meaning = await meaningOf(db, { words: queryText.split(' '), phrases: [], exclusions: [] })
    const options = { k: 10, bm25Weight: 1, vectorWeight: 1, fusion: 'convex' } as const
    const wanted = hybridOracle(corpus, meaning, [...vector], options).slice(0, 10)
    const found = await hybridSearch(db, {
      queryText,
      queryEmbedding: vector,
      ...options,
      filter: { fuzzy: false },
    })
    const same = found.filter(
      ({ combinedScore }, at) => Math.abs(combinedScore - (wanted[at]?.combinedScore ?? -1)) < 1e-3,
    )
    report.count('neighbours wanted', wanted.length)
    report.count('neighbours found', same.length)
    report.check(found.length === wanted.length, `a hybrid search gave ${found.length} of ${wanted.length}`)
  }
}

/** Both machines have the same rows in every table. */
export async function judgeCopies({ cluster, primary, standby, report }: Chaos): Promise<void> {
  await cluster.whenCaughtUp()
  for (const table of [
    'memory_items',
    'jobs',
    'job_attempts',
    'job_answers',
    'search_log',
    'search_lexemes',
  ]) {
    const digest = sql.raw(
      `SELECT count(*) || ' ' || COALESCE(sum(hashtextextended(t::text, 0)::numeric), 0) AS digest FROM ${table} AS t`,
    )
    const [one, other] = [await queryRows(primary, digest), await queryRows(standby, digest)]
    report.check(one[0]?.digest === other[0]?.digest, `${table} differs between primary and standby`)
  }
}

async function judged(report: Chaos['report'], what: string, judge: () => Promise<void>): Promise<void> {
  try {
    await judge()
  } catch (error) {
    report.wrong(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
