import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { builtRows } from '../database/rows.ts'
import { memoryItems } from '../schema/memory-items.ts'
import { checkText, checkTexts } from './check.ts'
import { textArraySql } from './search-filter.ts'

/**
 * Deletes memories by their ids; with a namespace, only those that are in it.
 *
 * @returns the ids that were there and are gone.
 * @example
 * const forgotten = await forget(db, { ids: [id] })
 */
export async function forget(
  db: Database,
  { ids, namespace }: { readonly ids: readonly string[]; readonly namespace?: string },
): Promise<string[]> {
  checkTexts(ids, 'ids')
  if (namespace !== undefined) checkText(namespace, 'namespace')
  if (ids.length === 0) return []
  const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
  const rows = await builtRows(() =>
    db
      .delete(memoryItems)
      .where(and(sql`${memoryItems.id} = ANY (${textArraySql(ids, 'ids')})`, ofNamespace))
      .returning({ id: memoryItems.id }),
  )
  return rows.map((row) => row.id)
}
