import { and, eq, inArray } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { translatingErrors } from '../database/rows.ts'
import { memoryItems } from '../schema/memory-items.ts'
import { checkText } from './check.ts'

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
  for (const id of ids) checkText(id, 'ids')
  if (ids.length === 0) return []
  const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
  const rows = await translatingErrors(() =>
    db
      .delete(memoryItems)
      .where(and(inArray(memoryItems.id, [...ids]), ofNamespace))
      .returning({ id: memoryItems.id }),
  )
  return rows.map((row) => row.id)
}
