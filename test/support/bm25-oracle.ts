import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { rowsOf } from '../../src/database/rows.ts'
import type { SearchFilter } from '../../src/index.ts'
import { compareBytes } from './fixtures.ts'

/**
 * What the searches must answer, computed without them: PostgreSQL only takes the raw texts apart into lexemes
 * (search_words, query_text_form) and says which rows have a phrase; everything else is arithmetic here.
 */
export interface OracleRow {
  readonly id: string
  readonly namespace: string
  readonly text: string
  readonly speakerId: string | null
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly expired: boolean
  readonly embedding: readonly number[] | null
  readonly frequencies: ReadonlyMap<string, number>
  readonly length: number
  readonly scripts: readonly string[]
}

/** A query taken apart by whoever made it up, not by the parser under test. */
export interface OracleQuery {
  readonly words: readonly string[]
  readonly phrases: readonly string[]
  readonly exclusions: readonly string[]
}

/** One of a query's words: the forms that rows can have of it, and the script whose documents its idf is among (null: all). */
export interface OracleWord {
  readonly forms: readonly string[]
  readonly script: string | null
}

/** What a query means: its words, each as often as it says it, and the rows that have every phrase and no exclusion. */
export interface QueryMeaning {
  readonly words: readonly OracleWord[]
  /** The text of a query that has words and none of them is indexed. */
  readonly stopWords: string | null
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
        'id', m.id, 'namespace', m.namespace, 'text', m.text, 'speakerId', m.speaker_id, 'tags', m.tags, 'metadata', m.metadata,
        'createdAt', extract(epoch FROM m.created_at) * 1000, 'expired', COALESCE(m.expires_at <= now(), false),
        'embedding', m.embedding::text,
        'lexemes', (
          SELECT json_agg(json_build_array(entry.lexeme, cardinality(entry.positions)))
          FROM unnest(search_words(m.text)) AS entry
        ),
        'units', tsvector_to_array(search_units(m.text)),
        'scripts', text_scripts(m.text, 0.1)
      )::text AS row
      FROM memory_items AS m
    `,
  )
  return rows.map((row) => {
    const { lexemes, units, embedding, ...rest } = JSON.parse(String(row.row))
    return {
      ...rest,
      ...counted({ lexemes, units }),
      embedding: embedding === null ? null : JSON.parse(embedding),
    }
  })
}

/** A text that is not stored, as the corpus would have it. */
export async function documentOf(
  db: Database,
  text: string,
): Promise<Pick<OracleRow, 'frequencies' | 'length'>> {
  const [row] = await query(
    db,
    sql`
      SELECT json_build_object(
        'lexemes', (SELECT json_agg(json_build_array(lexeme, cardinality(positions))) FROM unnest(search_words(${text}::text))),
        'units', tsvector_to_array(search_units(${text}::text))
      )::text AS document
    `,
  )
  return counted(JSON.parse(String(row?.document)))
}

/** Characters that are found by themselves count once, and nothing for the length. */
function counted(document: { lexemes: [string, number][] | null; units: string[] | null }) {
  const frequencies = new Map(document.lexemes ?? [])
  const length = sum(frequencies.values())
  for (const unit of document.units ?? []) if (!frequencies.has(unit)) frequencies.set(unit, 1)
  return { frequencies, length }
}

/** The words of a query in Latin letters or in scripts without a stemmer: PostgreSQL's parse of it, each with the head of a long stem. */
export async function wordsOf(db: Database, text: string): Promise<OracleWord[]> {
  const rows = await query(
    db,
    sql`
      SELECT lexeme, (text_scripts(lexeme, 0))[1] AS script, cardinality(positions) AS times
      FROM query_text_form(${text}::text) AS form
      CROSS JOIN LATERAL to_tsvector('pg_catalog.english', form) AS english
      CROSS JOIN LATERAL unnest(
        CASE WHEN has_stop_words(form, english) OR NOT is_foreign_text(${text}::text) THEN english
        ELSE without_function_words(to_tsvector('opa_plain', form), ${text}::text) END
      )
    `,
  )
  const emoji = [...text.matchAll(/[\u2600-\u27bf\u2b50-\u2b55\u{1f000}-\u{1faff}]/gu)].map(([unit]) => ({
    forms: [unit],
    script: null,
  }))
  return rows
    .flatMap(({ lexeme, script, times }) => {
      const stem = String(lexeme)
      const forms = longStem.test(stem) ? [stem, `${stem.slice(0, 6)}\u0002`] : [stem]
      return Array<OracleWord>(Number(times)).fill({ forms, script: script === null ? null : String(script) })
    })
    .concat(emoji)
    .sort((one, other) => compareBytes(one.forms[0] ?? '', other.forms[0] ?? ''))
}

const longStem = /^[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a]{7,}$/

export async function meaningOf(db: Database, asked: OracleQuery): Promise<QueryMeaning> {
  const rows = await query(
    db,
    sql`
      SELECT m.id FROM memory_items AS m
      CROSS JOIN LATERAL search_words(m.text) AS document
      WHERE NOT EXISTS (
        SELECT FROM json_to_recordset(${JSON.stringify(parts(asked))}::text::json) AS part (text text, wanted boolean)
        CROSS JOIN LATERAL phraseto_tsquery('pg_catalog.english', query_text_form(part.text)) AS phrase
        CROSS JOIN LATERAL phraseto_tsquery('opa_plain', query_text_form(part.text)) AS foreign_phrase
        WHERE numnode(phrase) > 0 AND (
          document @@ phrase OR document @@ foreign_phrase
          OR document @@ lexeme_heads(phrase::text)::tsquery OR document @@ lexeme_heads(foreign_phrase::text)::tsquery
        ) <> part.wanted
      )
    `,
  )
  const words = await wordsOf(db, [...asked.words, ...asked.phrases].join(' '))
  const plain = asked.words.join(' ')
  return {
    words,
    stopWords:
      words.length === 0 && asked.phrases.length === 0 && /[\p{L}\p{N}_]/u.test(plain) ? plain : null,
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
  words: readonly OracleWord[],
  { frequencies, length }: Pick<OracleRow, 'frequencies' | 'length'>,
  { k1 = 1.2, b = 0.75 } = {},
): number {
  const total = sum(corpus.map((row) => row.length))
  const average = total > 0 ? total / corpus.length : length
  let score = 0
  for (const { forms, script } of words) {
    // All forms of a word share the idf of the sum of their document frequencies.
    const df = sum(forms.map((form) => corpus.filter((row) => row.frequencies.has(form)).length))
    const documents =
      script === null ? corpus.length : corpus.filter((row) => row.scripts.includes(script)).length
    const idf = Math.log(1 + (Math.max(documents, df) - df + 0.5) / (df + 0.5))
    for (const form of forms) {
      const tf = frequencies.get(form)
      if (tf !== undefined) score += (idf * tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * length) / average))
    }
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
  const candidates = corpus.filter((row) => meaning.permitted.has(row.id) && passes(row, tags, filter))
  if (meaning.stopWords !== null) return stopWordOracle(candidates, meaning.stopWords)
  return candidates
    .filter((row) => meaning.words.some(({ forms }) => forms.some((form) => row.frequencies.has(form))))
    .map((row) => ({ id: row.id, score: bm25Of(corpus, meaning.words, row) }))
    .sort(bestFirst)
}

const wordsWithoutMeaning = new Set('a an the of and or to in on at by for with'.split(' '))

/** Rows that have the words side by side, or one that is spelt as a name spelt so, best first. */
function stopWordOracle(rows: readonly OracleRow[], text: string): Scored[] {
  const words = [...text.matchAll(/[\p{L}\p{N}_]+/gu)].map(([word]) => word)
  const names = words.filter((word, at) => /^[A-Z]/.test(word) && (at > 0 || words.length === 1))
  const alone = (inner: string) => `(?<![\\p{L}\\p{N}_])(?:${inner})(?![\\p{L}\\p{N}_])`
  const isPhrase =
    words.length > 1 && (/[A-Z]/.test(text) || words.some((word) => !wordsWithoutMeaning.has(word)))
  const phrase = isPhrase ? alone(words.join('[^\\p{L}\\p{N}_]+')) : '(?!)'
  const name = names.length > 0 ? alone(names.join('|')) : '(?!)'
  const has = (row: OracleRow, pattern: string, flags = 'u') =>
    Number(new RegExp(pattern, flags).test(row.text))
  return rows
    .filter((row) => has(row, phrase, 'iu') || has(row, name))
    .map((row) => ({
      id: row.id,
      score:
        has(row, phrase, 'iu') +
        has(row, phrase) +
        has(row, name) +
        has(row, `[^\\s.!?]\\s+${name}`) +
        1 / (1 + Math.log(1 + [...row.text].length)),
    }))
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
