import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { rowsOf } from '../../src/database/rows.ts'
import type { SearchFilter } from '../../src/index.ts'
import { compareBytes } from './fixtures.ts'

/**
 * What the searches must answer, computed without them: PostgreSQL only takes the raw texts apart into lexemes and says
 * which rows have a phrase; everything else is arithmetic here.
 */
export interface OracleRow {
  readonly id: string
  readonly namespace: string
  readonly speakerId: string | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly expired: boolean
  readonly embedding: readonly number[] | null
  readonly frequencies: ReadonlyMap<string, number>
  readonly length: number
}

/** A query taken apart by whoever made it up, not by the parser under test. */
export interface OracleQuery {
  readonly words: readonly string[]
  readonly phrases: readonly string[]
  readonly exclusions: readonly string[]
}

/** What a query means: its lexemes in byte order, each as often as it says it, and the rows that have every phrase and no exclusion. */
export interface QueryMeaning {
  readonly lexemes: readonly string[]
  readonly permitted: ReadonlySet<string>
}

export interface Scored {
  readonly id: string
  readonly score: number
}

/** The query as a person types it. */
export function queryText({ words, phrases, exclusions }: OracleQuery): string {
  const excluded = exclusions.map((text) => (/\s/.test(text) ? `-"${text}"` : `-${text}`))
  return [...words, ...phrases.map((phrase) => `"${phrase}"`), ...excluded].join(' ')
}

export async function readCorpus(db: Database): Promise<OracleRow[]> {
  const rows = await query(
    db,
    sql`
      SELECT m.id, json_build_object(
        'id', m.id, 'namespace', m.namespace, 'speakerId', m.speaker_id, 'tags', m.tags, 'metadata', m.metadata,
        'createdAt', extract(epoch FROM m.created_at) * 1000, 'expired', COALESCE(m.expires_at <= now(), false),
        'embedding', m.embedding::text,
        'lexemes', (
          SELECT json_agg(json_build_array(entry.lexeme, cardinality(entry.positions)))
          FROM unnest(to_tsvector('pg_catalog.english', m.text)) AS entry
        )
      )::text AS row
      FROM memory_items AS m
    `,
  )
  return rows.map((row) => {
    const { lexemes, embedding, ...rest } = JSON.parse(String(row.row))
    const frequencies = new Map<string, number>(lexemes ?? [])
    return {
      ...rest,
      frequencies,
      length: sum(frequencies.values()),
      embedding: embedding === null ? null : JSON.parse(embedding),
    }
  })
}

export async function lexemesOf(db: Database, text: string): Promise<Map<string, number>> {
  const rows = await query(
    db,
    sql`SELECT lexeme, cardinality(positions) AS tf FROM unnest(to_tsvector('pg_catalog.english', ${text}::text))`,
  )
  return new Map(rows.map((row) => [String(row.lexeme), Number(row.tf)]))
}

export async function meaningOf(db: Database, asked: OracleQuery): Promise<QueryMeaning> {
  const lexemes = await lexemesOf(db, [...asked.words, ...asked.phrases].join(' '))
  const rows = await query(
    db,
    sql`
      SELECT m.id FROM memory_items AS m
      CROSS JOIN LATERAL to_tsvector('pg_catalog.english', m.text) AS document
      WHERE NOT EXISTS (
        SELECT FROM json_to_recordset(${JSON.stringify(parts(asked))}::text::json) AS part (text text, wanted boolean)
        CROSS JOIN LATERAL phraseto_tsquery('pg_catalog.english', part.text) AS phrase
        WHERE numnode(phrase) > 0 AND (document @@ phrase) <> part.wanted
      )
    `,
  )
  return {
    lexemes: [...lexemes].flatMap(([lexeme, count]) => Array(count).fill(lexeme)).sort(compareBytes),
    permitted: new Set(rows.map((row) => String(row.id))),
  }
}

function parts({ phrases, exclusions }: OracleQuery): { text: string; wanted: boolean }[] {
  return [
    ...phrases.map((text) => ({ text, wanted: true })),
    ...exclusions.map((text) => ({ text, wanted: false })),
  ]
}

/** The BM25 of one document under the statistics of a corpus. */
export function bm25Of(
  corpus: readonly OracleRow[],
  lexemes: readonly string[],
  frequencies: ReadonlyMap<string, number>,
  { k1 = 1.2, b = 0.75 } = {},
): number {
  const length = sum(frequencies.values())
  const total = sum(corpus.map((row) => row.length))
  const average = total > 0 ? total / corpus.length : length
  let score = 0
  for (const lexeme of lexemes) {
    const tf = frequencies.get(lexeme)
    if (tf === undefined) continue
    const df = corpus.filter((row) => row.frequencies.has(lexeme)).length
    const idf = Math.log(1 + (corpus.length - df + 0.5) / (df + 0.5))
    score += (idf * tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * length) / average))
  }
  return score
}

/** Every row that bm25_search may return, best first. */
export function bm25Oracle(
  corpus: readonly OracleRow[],
  meaning: QueryMeaning,
  tags: readonly string[] = [],
  filter: SearchFilter = {},
): Scored[] {
  return corpus
    .filter((row) => meaning.permitted.has(row.id) && passes(row, tags, filter))
    .filter((row) => meaning.lexemes.some((lexeme) => row.frequencies.has(lexeme)))
    .map((row) => ({ id: row.id, score: bm25Of(corpus, meaning.lexemes, row.frequencies) }))
    .sort(bestFirst)
}

export function passes(row: OracleRow, tags: readonly string[], filter: SearchFilter): boolean {
  const hasTag = (tag: string) => row.tags.includes(tag)
  return (
    !row.expired &&
    (tags.length === 0 || (filter.allTags ? tags.every(hasTag) : tags.some(hasTag))) &&
    (filter.namespace === undefined || row.namespace === filter.namespace) &&
    (filter.speakerId === undefined || row.speakerId === filter.speakerId) &&
    (filter.since === undefined || row.createdAt >= new Date(filter.since).getTime()) &&
    (filter.until === undefined || row.createdAt < new Date(filter.until).getTime()) &&
    (filter.ids === undefined || filter.ids.includes(row.id)) &&
    Object.entries(filter.metadata ?? {}).every(([key, value]) => row.metadata[key] === value)
  )
}

export function bestFirst(one: Scored, other: Scored): number {
  return other.score - one.score || compareBytes(one.id, other.id)
}

/**
 * Expects a complete ranking to be the oracle's. Two sums that are equal on paper may differ in their last bit in one
 * program and not in the other, so rows that the oracle has within 1e-12 of one another may change places; what was
 * returned must still be in order of its own scores, ties by the bytes of the id.
 */
export function expectRanking(
  actual: readonly Scored[],
  expected: readonly Scored[],
  tolerance = 1e-9,
): void {
  expect(actual.map((row) => row.id).sort(compareBytes)).toEqual(
    expected.map((row) => row.id).sort(compareBytes),
  )
  expect(actual).toEqual([...actual].sort(bestFirst))
  const scores = new Map(expected.map((row) => [row.id, row.score]))
  for (const [at, row] of actual.entries()) {
    const own = scores.get(row.id) ?? Number.NaN
    const atPlace = expected[at]?.score ?? Number.NaN
    expect(Math.abs(row.score - own), `score of ${row.id}: ${row.score}, expected ${own}`).toBeLessThan(
      tolerance,
    )
    expect(Math.abs(own - atPlace), `${row.id} at place ${at + 1}`).toBeLessThanOrEqual(
      Math.max(1e-12, tolerance > 1e-9 ? tolerance : 0) * Math.max(1, Math.abs(own)),
    )
  }
}

export function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

async function query(db: Database, statement: ReturnType<typeof sql>) {
  return rowsOf(await db.execute(statement))
}
