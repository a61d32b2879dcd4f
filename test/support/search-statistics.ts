import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import type { Bm25Result } from '../../src/index.ts'
import type { ZipfRow } from './zipf-corpus.ts'

/**
 * Expects the statistics to equal a recount of the rows in the same snapshot: every lexeme, with layers, the
 * totals, and that the vocabulary has the words of the last fold.
 */
export async function expectExactStatistics(db: Database): Promise<void> {
  const [row] = await queryRows(
    db,
    sql`
      WITH real AS (
        SELECT word, count(*) AS frequency
        FROM memory_items AS m CROSS JOIN LATERAL unnest(tsvector_to_array(m.search_vector)) AS word
        GROUP BY word
      ),
      asked AS (
        SELECT array_agg(word) AS words
        FROM (
          SELECT word FROM real
          UNION SELECT lexeme || layer FROM search_lexemes, unnest(ARRAY['', E'\\x011', E'\\x012', E'\\x013']) AS layer
          UNION SELECT unnest(lexemes) FROM search_log_lexemes
          UNION SELECT unnest(tsvector_to_array(lexemes)) FROM search_log
        ) AS known
      ),
      kept AS (SELECT asked.words, counted.* FROM asked CROSS JOIN LATERAL search_statistics(COALESCE(asked.words, '{}')) AS counted)
      SELECT json_build_object(
        'documents', kept.documents - (SELECT count(*) FROM memory_items),
        'total_length', kept.total_length - (SELECT COALESCE(sum(lexeme_count), 0) FROM memory_items),
        'wrong', (
          SELECT count(*) FROM unnest(kept.words, kept.document_frequencies) AS held (word, frequency)
          LEFT JOIN real USING (word) WHERE held.frequency <> COALESCE(real.frequency, 0)
        ),
        'misnamed', (
          SELECT count(*) FROM (SELECT DISTINCT lexeme FROM search_lexemes) AS folded
          FULL JOIN search_vocabulary AS named USING (lexeme) WHERE folded.lexeme IS NULL OR named.lexeme IS NULL
        )
      )::text AS difference
      FROM kept
    `,
  )
  expect(JSON.parse(String(row?.difference))).toEqual({
    documents: 0,
    total_length: 0,
    wrong: 0,
    misnamed: 0,
  })
}

/** How many entries of the log are not in the totals. */
export async function unfolded(db: Database): Promise<number> {
  const [row] = await queryRows(db, sql`SELECT count(*) AS entries FROM search_log_entries()`)
  return Number(row?.entries)
}

export interface Asked {
  readonly queryText: string
  readonly tags?: readonly string[]
  readonly k: number
  /** SQL over `m`; true by default. */
  readonly condition?: ReturnType<typeof sql>
}

/** BM25 of every row by its definition, from the texts alone, in SQL: the same snapshot as the search that it is compared with. */
export async function exhaustiveSearch(
  db: Database,
  { queryText, tags = [], k, condition = sql`true` }: Asked,
): Promise<{ id: string; score: number }[]> {
  const rows = await queryRows(
    db,
    sql`
      WITH said AS (
        SELECT lexeme, cardinality(positions) AS times FROM unnest(to_tsvector('pg_catalog.english', ${queryText}::text))
      ),
      held AS MATERIALIZED (
        SELECT m.id, entry.lexeme, cardinality(entry.positions)::float8 AS tf
        FROM memory_items AS m CROSS JOIN LATERAL unnest(to_tsvector('pg_catalog.english', m.text)) AS entry
      ),
      corpus AS (
        SELECT (SELECT count(*) FROM memory_items)::float8 AS documents, sum(tf) AS total_length FROM held
      ),
      lengths AS (SELECT id, sum(tf) AS length FROM held GROUP BY id),
      frequencies AS (SELECT lexeme, count(*)::float8 AS df FROM held JOIN said USING (lexeme) GROUP BY lexeme)
      SELECT * FROM (SELECT m.id, sum(
        said.times * ln(1 + (documents - df + 0.5) / (df + 0.5)) * held.tf * 2.2
          / (held.tf + 1.2 * (0.25 + 0.75 * length * documents / total_length))
        ORDER BY said.lexeme COLLATE "C"
      ) AS score
      FROM held JOIN said USING (lexeme) JOIN frequencies USING (lexeme) JOIN lengths USING (id) JOIN memory_items AS m USING (id)
      CROSS JOIN corpus
      WHERE (${JSON.stringify(tags)}::text = '[]' OR m.tags && ARRAY(SELECT json_array_elements_text(${JSON.stringify(tags)}::text::json)))
        AND (${condition})
      GROUP BY m.id) AS scored
      ORDER BY round(score::numeric, 9) DESC, id COLLATE "C"
      LIMIT ${String(k)}::text::integer
    `,
  )
  return rows.map((row) => ({ id: String(row.id), score: Number(row.score) }))
}

/** Expects the best k to be those of the exhaustive query; rows within 1e-9 of one another may change places. */
export function expectSameBest(
  actual: readonly Bm25Result[],
  expected: { id: string; score: number }[],
): void {
  expect(actual.length).toBe(expected.length)
  const scores = new Map(expected.map((row) => [row.id, row.score]))
  for (const [at, row] of actual.entries()) {
    const wanted = expected[at]?.score ?? Number.NaN
    expect(Math.abs(row.score - wanted), `place ${at + 1}: ${row.score}, expected ${wanted}`).toBeLessThan(
      1e-9,
    )
    const own = scores.get(row.id)
    // A row that is not among the expected ties with the last of them.
    expect(Math.abs(row.score - (own ?? expected.at(-1)?.score ?? Number.NaN))).toBeLessThan(1e-9)
  }
}

export async function insertRows(db: Database, rows: readonly ZipfRow[], batch = 2000): Promise<void> {
  for (let from = 0; from < rows.length; from += batch) {
    await db.execute(sql`
      INSERT INTO memory_items (id, namespace, text, tags)
      SELECT row.id, COALESCE(row.namespace, 'default'), row.text, ARRAY(SELECT json_array_elements_text(row.tags))
      FROM json_to_recordset(${JSON.stringify(rows.slice(from, from + batch))}::text::json)
        AS row (id text, namespace text, text text, tags json)
    `)
  }
}
