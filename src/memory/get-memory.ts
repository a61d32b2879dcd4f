import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { checkText, checkTexts } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { readingFrom } from '../database/replicas.ts'
import { builtRows, toTexts } from '../database/rows.ts'
import { inSchemaOf } from '../database/schema-name.ts'
import { type MemoryItem, memoryItems } from '../schema/memory-items.ts'
import { textArraySql } from '../search/search-filter.ts'

/** Columns that are the searches' own affair. */
type SearchColumn =
  | 'searchVector'
  | 'lexemeCount'
  | 'contentHash'
  | 'embeddingModel'
  | 'nextEmbedding'
  | 'nextEmbeddingModel'

/** A memory as the helpers give it: every column but the searches' own. */
export type Memory = Omit<MemoryItem, SearchColumn>

const {
  searchVector: _,
  lexemeCount: __,
  contentHash: ______,
  embeddingModel: ___,
  nextEmbedding: ____,
  nextEmbeddingModel: _____,
  ...columns
} = getTableColumns(memoryItems)
/**
 * The columns of `Memory`, for Drizzle's `select`, which would otherwise bring the searches' own as well.
 *
 * @example
 * const memories = await db.select(memoryColumns).from(schema.memoryItems)
 */
export const memoryColumns = {
  ...columns,
  tags: sql<string[]>`${memoryItems.tags}`.mapWith(toTexts),
}

export interface GetMemoryOptions {
  readonly id: string
  /** Only if the memory is in this namespace. */
  readonly namespace?: string
}

const optionKeys = { id: true, namespace: true } satisfies OptionKeys<GetMemoryOptions>

/**
 * Gives a memory by its id, expired, superseded or neither; null if there is none (or it is in another namespace than the one given).
 *
 * @example
 * const memory = await getMemory(db, { id })
 */
export async function getMemory(db: Database, options: GetMemoryOptions): Promise<Memory | null> {
  checkOptions(options, optionKeys)
  const { id, namespace } = options
  checkText(id, 'id')
  if (namespace !== undefined) checkText(namespace, 'namespace')
  const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
  const [memory] = await readingFrom(db, (from) =>
    builtRows(() =>
      from
        .select(memoryColumns)
        .from(inSchemaOf(db, memoryItems))
        .where(and(eq(memoryItems.id, id), ofNamespace)),
    ),
  )
  return memory ?? null
}

export interface GetMemoriesOptions {
  readonly ids: readonly string[]
  /** Only memories of this namespace. */
  readonly namespace?: string
}

/**
 * Gives memories by their ids, in the order of the ids; null where there is none, as `getMemory`.
 *
 * @example
 * const [first, second] = await getMemories(db, { ids: ['one', 'two'] })
 */
export async function getMemories(db: Database, options: GetMemoriesOptions): Promise<(Memory | null)[]> {
  checkOptions(options, { ids: true, namespace: true } satisfies OptionKeys<GetMemoriesOptions>)
  const { ids, namespace } = options
  checkTexts(ids, 'ids')
  if (namespace !== undefined) checkText(namespace, 'namespace')
  if (ids.length === 0) return []
  const ofNamespace = namespace === undefined ? undefined : eq(memoryItems.namespace, namespace)
  const rows = await readingFrom(db, (from) =>
    builtRows(() =>
      from
        .select(memoryColumns)
        .from(inSchemaOf(db, memoryItems))
        .where(and(sql`${memoryItems.id} = ANY (${textArraySql(ids, 'ids')})`, ofNamespace)),
    ),
  )
  const known = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => known.get(id) ?? null)
}
