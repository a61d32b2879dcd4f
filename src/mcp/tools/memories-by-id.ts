import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { builtRows } from '../../database/rows.ts'
import { inSchemaOf } from '../../database/schema-name.ts'
import { type Memory, memoryColumns } from '../../memory/get-memory.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { textArraySql } from '../../search/search-filter.ts'

const { embedding: _, ...columns } = memoryColumns

/** The rows of these ids, without their vectors. */
export async function memoriesById(db: Database, ids: readonly string[]): Promise<Map<string, Memory>> {
  if (ids.length === 0) return new Map()
  const rows = await builtRows(() =>
    db
      .select(columns)
      .from(inSchemaOf(db, memoryItems))
      .where(sql`${memoryItems.id} = ANY (${textArraySql(ids, 'ids')})`),
  )
  return new Map(rows.map((row) => [row.id, { ...row, embedding: null }]))
}
