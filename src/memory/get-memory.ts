import { and, eq, getTableColumns } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { builtRows } from '../database/rows.ts'
import { inSchemaOf } from '../database/schema-name.ts'
import { type MemoryItem, memoryItems } from '../schema/memory-items.ts'
import { checkText } from './check.ts'

/** Columns that are the searches' own affair. */
type SearchColumn = 'searchVector' | 'lexemeCount' | 'embeddingModel' | 'nextEmbedding' | 'nextEmbeddingModel'

/** A memory as the helpers give it: every column but the searches' own. */
export type Memory = Omit<MemoryItem, SearchColumn>

const {
  searchVector: _,
  lexemeCount: __,
  embeddingModel: ___,
  nextEmbedding: ____,
  nextEmbeddingModel: _____,
  ...columns
} = getTableColumns(memoryItems)
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
  const [memory] = await builtRows(() =>
    db
      .select(memoryColumns)
      .from(inSchemaOf(db, memoryItems))
      .where(and(eq(memoryItems.id, id), ofNamespace)),
  )
  return memory ?? null
}
