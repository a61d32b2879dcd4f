import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { filterSql, type ListFilter, textArraySql } from '../search/search-filter.ts'

export interface CountMemoriesOptions {
  readonly namespace?: string
  /** Memories with any of these tags (with `filter.allTags`, all of them). */
  readonly tags?: readonly string[]
  readonly filter?: ListFilter
}

const optionKeys = { namespace: true, tags: true, filter: true } satisfies OptionKeys<CountMemoriesOptions>

/**
 * Counts the memories that meet a filter: those that a search could return.
 *
 * @throws InvalidInputError for a filter that is refused.
 * @example
 * const count = await countMemories(db, { namespace: 'ana', filter: { where: { importance: { gte: 0.7 } } } })
 */
export async function countMemories(db: Database, options: CountMemoriesOptions = {}): Promise<number> {
  checkOptions(options, optionKeys)
  const { namespace, tags, filter = {} } = options
  const narrowed = namespace === undefined ? filter : { ...filter, namespace }
  const [row] = await readRows(
    db,
    sql`SELECT ${api(db)}count_memories(${textArraySql(tags, 'tags')}, ${filterSql(narrowed)}) AS count`,
  )
  return toNumber(row?.count)
}
