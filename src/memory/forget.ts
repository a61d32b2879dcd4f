import { sql } from 'drizzle-orm'
import { checkText, checkTexts } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { textArraySql } from '../search/search-filter.ts'

export interface ForgetOptions {
  readonly ids: readonly string[]
  /** Only memories of this namespace. */
  readonly namespace?: string
}

const optionKeys = { ids: true, namespace: true } satisfies OptionKeys<ForgetOptions>

/**
 * Deletes memories by their ids, with their history; with a namespace, only those that are in it. Their words stay in the
 * statistics until a fold: `erase` leaves no trace.
 *
 * @returns the ids that were there and are gone.
 * @example
 * const forgotten = await forget(db, { ids: [id] })
 */
export async function forget(db: Database, options: ForgetOptions): Promise<string[]> {
  checkOptions(options, optionKeys)
  const { ids, namespace } = options
  checkTexts(ids, 'ids')
  if (namespace !== undefined) checkText(namespace, 'namespace')
  if (ids.length === 0) return []
  const ofNamespace = namespace === undefined ? sql`true` : sql`namespace = ${namespace}::text`
  const rows = await queryRows(
    db,
    sql`DELETE FROM ${api(db)}memory_items WHERE id = ANY (${textArraySql(ids, 'ids')}) AND ${ofNamespace} RETURNING id`,
  )
  return rows.map((row) => String(row.id))
}
