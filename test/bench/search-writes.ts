import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import { printTable, rounded, timed, withBar } from './report.ts'
import type { SearchCorpus } from './search-corpus.ts'
import { withBenchDatabase } from './wiki-database.ts'

export interface IndexShare {
  readonly index: string
  readonly bytes: number
}

export interface WriteMeasurement {
  /** Whether every row has an embedding, which the HNSW index then takes. */
  readonly embeddings: boolean
  readonly batch: number
  readonly rowsPerSecond: number
  /** The same table and indexes, without layers and statistics. */
  readonly bareRowsPerSecond: number
  readonly ratio: number
}

/** What each index of memory_items takes, and the statistics. */
export async function indexShares(db: Database): Promise<IndexShare[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT indexrelid::regclass::text AS index, pg_relation_size(indexrelid) AS bytes
      FROM pg_index WHERE indrelid = 'memory_items'::regclass
      UNION ALL
      SELECT 'statistics', sum(pg_total_relation_size(oid)) FROM pg_class
      WHERE relname IN ('search_totals', 'search_lexemes', 'search_vocabulary', 'search_log', 'search_log_lexemes')
      UNION ALL
      SELECT 'memory_items', pg_table_size('memory_items')
      ORDER BY bytes DESC
    `,
  )
  const shares = rows.map((row) => ({ index: String(row.index), bytes: Number(row.bytes) }))
  printTable(
    ['size', 'MB'],
    shares.map(({ index, bytes }) => [index, Math.round(bytes / 1e6)]),
  )
  return shares
}

/** Takes from a database what this machinery adds: the triggers, and the layers in search_vector. */
async function strip(db: Database): Promise<void> {
  await db.execute(sql`ALTER TABLE memory_items DISABLE TRIGGER USER`)
  await db.execute(sql`ALTER TABLE memory_items ENABLE TRIGGER memory_items_updated_at`)
  await db.execute(sql`ALTER TABLE memory_items DROP COLUMN search_vector`)
  await db.execute(
    sql`ALTER TABLE memory_items ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.english', text)) STORED`,
  )
  await db.execute(sql`ALTER TABLE memory_items ALTER COLUMN search_vector SET STORAGE EXTERNAL`)
  await db.execute(sql`CREATE INDEX ON memory_items USING gin (search_vector)`)
}

const rounds = 6

export async function measureWrites(corpus: SearchCorpus): Promise<WriteMeasurement[]> {
  const measurements: WriteMeasurement[] = []
  for (const embeddings of [false, true]) {
    for (const [batch, perRound] of embeddings
      ? ([
          [100, 1000],
          [500, 1000],
        ] as const)
      : ([
          [1, 500],
          [100, 3000],
          [500, 3000],
        ] as const)) {
      const measured = await withBenchDatabase((full) =>
        withBenchDatabase(async (bare) => {
          await strip(bare.db)
          const sessions = [full, bare].map(({ url }) => postgres(url, { max: 1, onnotice: () => {} }))
          const what = `writing in batches of ${batch}${embeddings ? ' with embeddings' : ''}`
          try {
            return await withBar(what, rounds, (update) =>
              alternate(sessions, corpus, { batch, perRound, embeddings, update }),
            )
          } finally {
            await Promise.all(sessions.map((session) => session.end()))
          }
        }),
      )
      measurements.push({ embeddings, batch, ...measured })
    }
  }
  printTable(
    ['batch', 'rows/s', 'bare rows/s', 'ratio'],
    measurements.map(({ embeddings, batch, rowsPerSecond, bareRowsPerSecond, ratio }) => [
      `${batch}${embeddings ? ' with embeddings' : ''}`,
      rowsPerSecond,
      bareRowsPerSecond,
      ratio,
    ]),
  )
  return measurements
}

interface Writing {
  readonly batch: number
  readonly perRound: number
  readonly embeddings: boolean
  readonly update: (done: number) => void
}

/** The same rows into both, in turn, so that what else the machine does hits both alike. */
async function alternate(
  [full, bare]: readonly postgres.Sql[],
  corpus: SearchCorpus,
  { batch, perRound, embeddings, update }: Writing,
) {
  if (full === undefined || bare === undefined) throw new Error('expected two sessions')
  const rows = [...corpus.rows(rounds * perRound)]
  let [fullTime, bareTime] = [0, 0]
  const write = async (session: postgres.Sql, from: number) => {
    for (let at = from; at < from + perRound; at += batch) {
      const part = rows.slice(at, at + batch)
      await session`
        INSERT INTO memory_items (id, text, tags, embedding)
        SELECT id, text, tags::text[],
          CASE WHEN ${embeddings} THEN (SELECT array_agg(sin((${at} + place) * axis * 0.37 * (1 + (${at} + place) % 97)) ORDER BY axis) FROM generate_series(1, 384) AS axis)::vector END
        FROM unnest(${part.map(({ id }) => id)}::text[], ${part.map(({ text }) => text)}::text[], ${part.map(({ tags }) => `{${tags.join(',')}}`)}::text[])
          WITH ORDINALITY AS row (id, text, tags, place)
        ON CONFLICT (id) DO NOTHING`
    }
  }
  for (let round = 0; round < rounds; round++) {
    fullTime += (await timed(() => write(full, round * perRound))).milliseconds
    bareTime += (await timed(() => write(bare, round * perRound))).milliseconds
    update(round + 1)
  }
  const perSecond = (time: number) => Math.round((rounds * perRound * 1000) / time)
  return {
    rowsPerSecond: perSecond(fullTime),
    bareRowsPerSecond: perSecond(bareTime),
    ratio: rounded(bareTime / fullTime),
  }
}
