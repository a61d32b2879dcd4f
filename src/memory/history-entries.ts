import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, toDate, toJson, toNumberOrNull, toTexts } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { textArraySql } from '../search/search-filter.ts'

/** What a memory was before a change. What is null was left as it was. */
export interface MemoryHistoryEntry {
  readonly memoryId: string
  /** Start of the transaction that changed the memory: what stands here was so until then. */
  readonly changedAt: Date
  /** The database role, and who acted by it, where the client said so (see `withActor`). */
  readonly changedBy: string
  readonly actor: string | null
  readonly text: string | null
  readonly tags: string[] | null
  readonly metadata: Record<string, unknown> | null
  readonly importance: number | null
}

/** The history of memories, oldest first. */
export async function historyEntries(db: Database, ids: readonly string[]): Promise<MemoryHistoryEntry[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT memory_id, changed_at, changed_by, actor, text, tags, metadata::text AS metadata, importance
      FROM ${api(db)}memory_history_of(${textArraySql(ids, 'ids')}) ORDER BY entry
    `,
  )
  return rows.map((row) => ({
    memoryId: String(row.memory_id),
    changedAt: toDate(row.changed_at),
    changedBy: String(row.changed_by),
    actor: row.actor === null ? null : String(row.actor),
    text: row.text === null ? null : String(row.text),
    tags: row.tags === null ? null : toTexts(row.tags),
    metadata: row.metadata === null ? null : toJson<Record<string, unknown>>(row.metadata),
    importance: toNumberOrNull(row.importance),
  }))
}
