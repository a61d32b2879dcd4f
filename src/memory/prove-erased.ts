import { sql } from 'drizzle-orm'
import { checkTexts } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { textArraySql } from '../search/search-filter.ts'
import { countMemories } from './count-memories.ts'
import { type MemoryScope, scopeFilter, scopeKeys } from './scope.ts'

export interface ProveErasedOptions extends MemoryScope {
  /** Words (or names, numbers, phrases) that nobody but the erased memories had. */
  readonly words?: readonly string[]
}

export interface ErasureProof {
  /** True if nothing of what was asked for is left. */
  readonly erased: boolean
  /** Memories of the scope that are there; 0 where no scope was given. */
  readonly memories: number
  /** The tables that have one of the words, and in how many rows: of memories, jobs, history, statistics. */
  readonly found: readonly { readonly table: string; readonly rows: number }[]
}

const optionKeys = { ...scopeKeys, words: true } satisfies OptionKeys<ProveErasedOptions>

/**
 * Looks for what should be gone: memories of a scope, and words in every row of every table of the installation (in any
 * case, within longer values, and as lexemes of the search statistics). It reads everything: for tests and audits. Needs
 * the rights to read all tables, as their owner has.
 *
 * @throws DatabaseError for a role that may not read a table.
 * @example
 * const { erased, found } = await proveErased(db, { namespace: 'ana', words: ['Ana Quiroga', 'ana@example.com'] })
 */
export async function proveErased(db: Database, options: ProveErasedOptions): Promise<ErasureProof> {
  checkOptions(options, optionKeys)
  const { words = [], ...scope } = options
  checkTexts(words, 'words', { from: 1 })
  const isScoped = words.length === 0 || Object.keys(scope).length > 0
  const memories = isScoped
    ? await countMemories(db, { filter: { ...scopeFilter(scope), expired: true, superseded: true } })
    : 0
  const rows =
    words.length === 0
      ? []
      : await queryRows(db, sql`SELECT * FROM ${api(db)}find_words(${textArraySql(words, 'words')})`)
  const found = rows.map((row) => ({ table: String(row.table_name), rows: toNumber(row.matches) }))
  return { erased: memories === 0 && found.length === 0, memories, found }
}
