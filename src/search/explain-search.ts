import { sql } from 'drizzle-orm'
import { checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { onlyRow, toJson } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { type Corrections, limitSql } from './bm25-search.ts'
import { filterSql, type SearchOptions, textArraySql } from './search-filter.ts'
import { searchKeys } from './search-keys.ts'

/** A lexeme that the search ranks by. */
export interface ExplainedLexeme {
  readonly lexeme: string
  /** How many of the query's words it is a form of. */
  readonly times: number
  readonly documentFrequency: number
  /** That of the word, which all its forms share. */
  readonly idf: number
}

/** What a lexeme did for a result. */
export interface LexemeContribution {
  readonly lexeme: string
  /** Term frequency: how often the memory says it, at most 255. */
  readonly tf: number
  readonly documentFrequency: number
  readonly idf: number
  /** Its part of the score. */
  readonly contribution: number
}

export interface ExplainedResult {
  readonly id: string
  readonly score: number
  /** The memory's length in lexemes. */
  readonly length: number
  readonly lexemes: LexemeContribution[]
}

export interface SearchExplanation {
  /**
   * `every match`: few memories match, and all of them were scored. `threshold`: only those that can be among the best
   * were. `filter`: the filter's own index finds few enough to score all of them. `text`: the query has nothing but words that are
   * not indexed (The Who), and the texts themselves were asked. `no match`: no memory has a word of it.
   */
  readonly path: 'every match' | 'threshold' | 'filter' | 'text' | 'no match'
  /**
   * The indexes that found the candidates: `search` (the words' index), `both` (the filter's too) or `filter` (the filter's
   * alone); null where there was nothing to find.
   */
  readonly access: 'search' | 'both' | 'filter' | null
  /** Memories in all, whether or not they pass the filter. */
  readonly documents: number
  readonly averageLength: number
  /** The share of memories that the filter is estimated to pass. */
  readonly share: number
  /** The statements that were run: each reads the candidates that can reach its threshold. */
  readonly rounds: { readonly threshold: number; readonly arms: number; readonly candidates: number }[]
  /** After the correction of misspelt words; those that no memory has are left out. */
  readonly lexemes: ExplainedLexeme[]
  readonly corrections: Corrections
  readonly results: ExplainedResult[]
}

interface Report {
  path: SearchExplanation['path']
  access?: 'search' | 'both' | 'filter'
  documents: number
  average_length: number
  share?: number
  rounds: { threshold: number; arms: number; candidates: number }[]
  lexemes: { lexeme: string; times: number; document_frequency: number; idf: number }[]
  corrections: Corrections
  results: {
    id: string
    score: number
    length: number
    lexemes: { lexeme: string; tf: number; contribution: number }[]
  }[]
}

export interface ExplainSearchOptions extends SearchOptions {
  /** What `bm25Search` takes. */
  readonly queryText: string
}

/**
 * Explains a keyword search: what each word adds to each result's score, and how much had to be read for it.
 *
 * @throws InvalidInputError as `bm25Search`.
 * @example
 * const { path, rounds, results } = await explainSearch(db, { queryText: 'window seat', k: 3 })
 * for (const { id, score, lexemes } of results) console.log(id, score, lexemes)
 */
export async function explainSearch(db: Database, options: ExplainSearchOptions): Promise<SearchExplanation> {
  checkOptions(options, searchKeys)
  const { queryText, queryTags, k = 10, filter } = options
  checkText(queryText, 'queryText')
  const row = onlyRow(
    await readRows(
      db,
      sql`SELECT ${api(db)}explain_search(${queryText}::text, ${textArraySql(queryTags)}, ${limitSql(k)}, ${filterSql(filter)})::text AS report`,
    ),
  )
  const report = toJson<Report>(row.report)
  const lexemes = report.lexemes.map(({ document_frequency: documentFrequency, ...lexeme }) => ({
    ...lexeme,
    documentFrequency,
  }))
  const known = new Map(lexemes.map((lexeme) => [lexeme.lexeme, lexeme]))
  return {
    path: report.path,
    access: report.access ?? null,
    documents: report.documents,
    averageLength: report.average_length,
    share: report.share ?? 1,
    rounds: report.rounds,
    lexemes,
    corrections: report.corrections,
    results: report.results.map((result) => ({
      ...result,
      lexemes: result.lexemes.map((part) => {
        const { documentFrequency = 0, idf = 0 } = known.get(part.lexeme) ?? {}
        return { ...part, documentFrequency, idf }
      }),
    })),
  }
}
