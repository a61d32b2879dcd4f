import { sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRow } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { filterSql, type SearchFilter } from './search-filter.ts'

export interface HighlightOptions {
  /** The text to show, for example of a search result. */
  readonly text: string
  /** What was searched for. */
  readonly queryText: string
  /** Put before each matching word; `<b>` by default. */
  readonly startTag?: string
  /** Put after each matching word; `</b>` by default. */
  readonly stopTag?: string
  /** How many words to show, 1 to 1000, or 0 for the whole text; 35 by default. */
  readonly maxWords?: number
  /** The filter of the search: words are corrected as there. */
  readonly filter?: SearchFilter
  /** True: the text is escaped for HTML (&, <, >, " and '), the tags are not. False by default. */
  readonly html?: boolean
}

const optionKeys = {
  text: true,
  queryText: true,
  startTag: true,
  stopTag: true,
  maxWords: true,
  filter: true,
  html: true,
} satisfies OptionKeys<HighlightOptions>

/**
 * Shows why a text was found: its part that answers the query best, with the matching words marked. Words match as in
 * `bm25Search`: in every form (ran, running), by a part (getUserById), misspelt; of scripts without spaces the characters
 * that match. A text of a web page needs `html: true`.
 *
 * @throws InvalidInputError for what is no text, a text of more than 64 KiB, or a maxWords out of range.
 * @example
 * await highlight(db, { text: 'Ana prefers window seats', queryText: 'window seat' })
 * // 'Ana prefers <b>window</b> <b>seats</b>'
 */
export async function highlight(db: Database, options: HighlightOptions): Promise<string> {
  checkOptions(options, optionKeys)
  const { text, queryText, startTag = '<b>', stopTag = '</b>', maxWords, filter, html = false } = options
  for (const [name, value] of Object.entries({ text, queryText, startTag, stopTag })) checkText(value, name)
  const words = String(checkedInteger(maxWords, 'maxWords', { from: 0, to: 1000, otherwise: 35 }))
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}highlight(${text}::text, ${queryText}::text, ${startTag}::text, ${stopTag}::text, ${words}::text::integer, ${filterSql(filter)}, ${String(html)}::text::boolean) AS shown`,
  )
  return String(row.shown)
}
