import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, toJson, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import type { BuiltIndex, VectorIndexMethod } from './plan.ts'

/** The index that searches use. vector_index() finds it by this name. */
export const indexName = 'memory_items_embedding_idx'
/** Under this name an index is built, so that the one in use serves until it is done. */
export const newIndexName = 'memory_items_embedding_idx_new'
/** Under this name the one that was in use waits to be dropped. */
export const oldIndexName = 'memory_items_embedding_idx_old'

/** While the model is being changed, the index of the next one. */
export const nextIndexName = 'memory_items_embedding_idx_next'

export interface IndexEntry extends BuiltIndex {
  readonly name: string
  readonly valid: boolean
  readonly bytes: number
}

/** The vector index and whatever an interrupted switch or REINDEX CONCURRENTLY left, by name. */
export async function vectorIndexes(db: Database): Promise<Map<string, IndexEntry>> {
  const rows = await queryRows(
    db,
    sql`
      SELECT index.relname AS name, access.amname AS method, entry.indisvalid AS valid,
        pg_relation_size(index.oid) AS bytes, to_jsonb(COALESCE(index.reloptions, '{}')) AS options
      FROM pg_index AS entry
      JOIN pg_class AS index ON index.oid = entry.indexrelid
      JOIN pg_am AS access ON access.oid = index.relam
      WHERE entry.indrelid = '${api(db)}memory_items'::regclass
        AND index.relname ~ ${`^${indexName}(_new|_old|_next|_cc(new|old)[0-9]*)?$`}::text
    `,
  )
  return new Map(rows.map((row) => [String(row.name), indexEntry(row)]))
}

function indexEntry(row: Record<string, unknown>): IndexEntry {
  const options = toJson<string[]>(row.options).map((option) => option.split('=') as [string, string])
  return {
    name: String(row.name),
    method: String(row.method) as VectorIndexMethod,
    valid: row.valid === true,
    bytes: toNumber(row.bytes),
    options: Object.fromEntries(options.map(([key, value]) => [key, Number(value)])),
  }
}

/** The process that is building an index of memory_items right now, or null. Progress views show a pid to everybody. */
export async function buildingProcess(db: Database): Promise<number | null> {
  const [row] = await queryRows(
    db,
    sql`
      SELECT progress.pid
      FROM pg_stat_progress_create_index AS progress
      JOIN pg_locks AS held ON held.pid = progress.pid AND held.database = progress.datid
      WHERE progress.datname = current_database() AND held.relation = '${api(db)}memory_items'::regclass
        AND held.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') AND progress.pid <> pg_backend_pid()
      LIMIT 1
    `,
  )
  return row === undefined ? null : toNumber(row.pid)
}

/** The vector that searches go by, of a row m, where `searched` is current_embedding_model(). */
export const searchedEmbedding = sql.raw(
  '(CASE WHEN m.embedding_model = searched.id THEN m.embedding WHEN m.next_embedding_model = searched.id THEN m.next_embedding END)',
)

export async function countEmbeddings(db: Database): Promise<{ rows: number; embeddings: number }> {
  const [row] = await queryRows(
    db,
    sql`
      SELECT count(*) AS rows, count(${searchedEmbedding}) AS embeddings
      FROM ${api(db)}memory_items AS m CROSS JOIN ${api(db)}embedding_model() AS searched
    `,
  )
  return { rows: toNumber(row?.rows), embeddings: toNumber(row?.embeddings) }
}

/** PGlite: one connection, so nobody would be spared by building concurrently. */
export async function isEmbedded(db: Database): Promise<boolean> {
  const [row] = await queryRows(db, sql`SELECT version() ~ 'PGlite|emscripten' AS embedded`)
  return row?.embedded === true
}

/** The quoted name of the schema that pgvector is in, wherever that is. */
export async function vectorSchema(db: Database): Promise<string> {
  const [row] = await queryRows(
    db,
    sql`SELECT quote_ident(n.nspname) AS name FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  )
  return String(row?.name)
}
