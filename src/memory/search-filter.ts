import { type SQL, sql } from 'drizzle-orm'
import { checkedJson, checkTexts } from './check.ts'

/** What narrows a search. Every condition that is given must hold; an expired memory is never found. */
export interface SearchFilter {
  /** Whose memory. */
  readonly namespace?: string
  readonly speakerId?: string
  /** True: a row must have all of `queryTags`, not just any. */
  readonly allTags?: boolean
  /** `createdAt` at or after this: a Date or ISO 8601. */
  readonly since?: Date | string
  /** `createdAt` before this. */
  readonly until?: Date | string
  /** JSON that the row's metadata contains. */
  readonly metadata?: Record<string, unknown>
  /** Only these rows; an empty list matches nothing. */
  readonly ids?: readonly string[]
  /** False: words that nobody wrote are not replaced by the nearest one. True by default. */
  readonly fuzzy?: boolean
  /**
   * True: `"a phrase"` must occur, `-word` must not, `begin*` stands for all words that begin so. False: the query is prose,
   * quotes and minuses are characters, and rows with a phrase that it puts in quotes rank higher. True by default in the
   * searches by name (`bm25Search`, `hybridSearch`, …), false in `recall` and in the memory of `createMemory`.
   */
  readonly operators?: boolean
  /** True: the last word may be still being typed, and stands for all words that begin so. */
  readonly prefix?: boolean
  /** The least share of the query's words that a row must have to match by keyword, 0 to 1. */
  readonly minMatch?: number
}

/** The place of a row in a list that is sorted by score, best first: what it was found with, and its id. */
export interface SearchCursor {
  /** `score`, `similarity` or `combinedScore` of the last row of the page before. */
  readonly score: number
  readonly id: string
}

/** A filter of a search that can be read page by page. */
export interface PagedFilter extends SearchFilter {
  /** Only what comes after this row. Ask with the same `k` and filter for each page. */
  readonly after?: SearchCursor
}

/** What `hybridSearch` takes beyond narrowing: how its candidates are ranked. The formulas are in the SQL's header. */
export interface HybridFilter extends PagedFilter {
  /** A half-life in days, above 0: what is so old (`createdAt`) counts half, twice as old a quarter. */
  readonly recency?: number
  /** How much the memory's importance counts: the score times 1 - this * (1 - importance). 0 to 1; true is 1. */
  readonly importance?: number | boolean
  /** Lambda of maximal marginal relevance: 1 orders by score, 0 by difference. Not together with `after`. */
  readonly diversity?: number
  /** How many rows each leg and the diversity consider: k to 10,000; max(100, 4k) by default. */
  readonly candidates?: number
}

/** What every search takes. */
export interface SearchOptions {
  /** Rows with any of these tags; none by default, which is no tag filter. */
  readonly queryTags?: readonly string[]
  /** How many results, 1 to 1000; 10 by default. */
  readonly k?: number
  readonly filter?: SearchFilter
}

const databaseKeys = new Map([
  ['speakerId', 'speaker_id'],
  ['allTags', 'all_tags'],
  ['minMatch', 'min_match'],
])

/** A filter as the SQL functions take it. They check it, so unknown keys pass through and are refused by name there. */
export function filterSql(filter: SearchFilter = {}): SQL {
  // Checked before it is taken apart as well: Object.entries(null) throws, and that of an empty array is nothing.
  checkedJson(filter, 'filter')
  const entries = Object.entries(filter).map(([key, value]) => [databaseKeys.get(key) ?? key, value])
  // JSON as text, which every driver passes alike.
  return sql`${JSON.stringify(Object.fromEntries(entries))}::text::jsonb`
}

/** A text[] parameter that every driver passes alike: PostgreSQL's own array literal. */
export function textArraySql(values: readonly string[] = [], name = 'queryTags'): SQL {
  checkTexts(values, name)
  const quoted = values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`)
  return sql`${`{${quoted.join(',')}}`}::text::text[]`
}
