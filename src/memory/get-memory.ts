import { and, eq, getTableColumns } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { translatingErrors } from '../database/rows.ts'
import { inSchemaOf } from '../database/schema-name.ts'
import { type MemoryItem, memoryItems } from '../schema/memory-items.ts'
import { checkText } from './check.ts'

/** A memory as the helpers give it: every column but the search index's own. */
export type Memory = Omit<MemoryItem, 'searchVector' | 'lexemeCount'>

const { searchVector: _, lexemeCount: __, ...columns } = getTableColumns(memoryItems)
/** The columns of `Memory`, for Drizzle's `select`. */
export const memoryColumns = columns

/**
 * Gives a memory by its id, expired or not; null if there is none (or it is in another namespace than the one given).
 *
 * @example
 * const memory = await getMemory(db, { id })
 */
export async function getMemory(
  db: Database,
  { id, namespace }: { readonly id: string; readonly namespace?: string },
): Promise<Memory | null> {
  checkText(id, 'id')
  if (namespace !== undefined) checkText(namespace, 'namespace')
  const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
  const [memory] = await translatingErrors(() =>
    db
      .select(memoryColumns)
      .from(inSchemaOf(db, memoryItems))
      .where(and(eq(memoryItems.id, id), ofNamespace)),
  )
  return memory ?? null
}
