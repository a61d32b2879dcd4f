import { type SQL, sql } from 'drizzle-orm'
import { checkedJson, checkTexts } from '../database/check.ts'
import { InvalidInputError } from '../errors.ts'
import { type Where, whereForDatabase } from './where.ts'

/** What narrows a search. Every condition that is given must hold; an expired memory is never found. */
export interface SearchFilter {
  /** Whose memory. */
  readonly namespace?: string
  /** Those of any of these namespaces; an empty list matches nothing. */
  readonly namespaces?: readonly string[]
  /** Namespaces as paths: this one, and those that begin with it and a `/`. */
  readonly namespaceUnder?: string
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
  /** Conditions on any column and on paths into the metadata, joined by and, or and not. */
  readonly where?: Where
  /**
   * The past: what was known at this time, that is remembered by then and not yet superseded; or `{ known, valid }`, where
   * `valid` asks what was true at a time, by `validFrom` and `validTo`, whether or not it was superseded since.
   */
  readonly asOf?: Date | string | { readonly known?: Date | string; readonly valid?: Date | string }
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
  /**
   * The least score of a result. `bm25Search`: as a share of the best result's, 0 to 1. `vectorSearch`: a cosine similarity,
   * -1 to 1. `hybridSearch` and `recall`: the combined score, 0 to 1.
   */
  readonly minScore?: number
  /**
   * Vector and hybrid search: the name of the model that made the query's vector. If the database searches by another
   * one, also of the same length, the search is refused.
   */
  readonly model?: string
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

/** What `listMemories` and `countMemories` take beyond narrowing. */
export interface ListFilter extends SearchFilter {
  /** True: expired memories too. */
  readonly expired?: boolean
  /** True: superseded memories too. */
  readonly superseded?: boolean
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
  ['namespaceUnder', 'namespace_under'],
  ['asOf', 'as_of'],
  ['minScore', 'min_score'],
])

/** A filter as the SQL functions take it. They check it, so unknown keys pass through and are refused by name there. */
export function filterSql(filter: SearchFilter = {}): SQL {
  return sql`${filterText(filter)}::text::jsonb`
}

/**
 * The JSON text of a filter, with the names of the database, which every driver passes alike.
 *
 * @throws InvalidInputError for what JSON cannot hold, and for a key that is present and undefined, at whatever depth:
 *   JSON would leave it out, and the search would answer for every tenant.
 */
export function filterText(filter: SearchFilter): string {
  // Checked before it is taken apart as well: Object.entries(null) throws, and that of an empty array is nothing.
  checkedJson(filter, 'filter')
  const entries = Object.entries(filter).map(([key, value]) => {
    refuseUndefined(value, `filter.${key}`)
    return [databaseKeys.get(key) ?? key, key === 'where' ? whereForDatabase(value as Where) : value]
  })
  return JSON.stringify(Object.fromEntries(entries))
}

function refuseUndefined(value: unknown, name: string): void {
  if (value === undefined) {
    throw new InvalidInputError(`${name} must not be undefined: give it a value, or leave the key out`)
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return
  if (Array.isArray(value))
    for (let at = 0; at < value.length; at++) refuseUndefined(value[at], `${name}[${at}]`)
  else for (const [key, inner] of Object.entries(value)) refuseUndefined(inner, `${name}.${key}`)
}

/** A text[] parameter that every driver passes alike: PostgreSQL's own array literal. */
export function textArraySql(values: readonly string[] = [], name = 'queryTags'): SQL {
  checkTexts(values, name)
  const quoted = values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`)
  return sql`${`{${quoted.join(',')}}`}::text::text[]`
}
