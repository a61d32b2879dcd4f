import { getTableColumns, sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { internalSchema } from '../../database/schema-name.ts'
import { memoryHistory } from '../../schema/memory-history.ts'
import { textArraySql } from '../../search/search-filter.ts'
import { columnList } from './columns.ts'

/** What a change says, beside the memory that it is of. */
const changeColumns = Object.values(getTableColumns(memoryHistory))
  .map((column) => column.name)
  .filter((name) => !['entry', 'memory_id', 'namespace'].includes(name))

/** The key of an exported line for what the memory was before its changes, oldest first. */
export const historyKey = 'history'

/** Exported lines with the histories of their memories; a memory that was never changed says nothing about it. */
export async function withHistories(
  db: Database,
  rows: readonly { readonly id: string; readonly line: string }[],
): Promise<{ id: string; line: string }[]> {
  const histories = await queryRows(
    db,
    sql`
      SELECT memory_id AS id, json_agg(row_to_json(change) ORDER BY entry)::text AS history
      FROM (
        SELECT memory_id, entry, ${columnList(changeColumns)}
        FROM memory_history_of(${textArraySql(
          rows.map(({ id }) => id),
          'ids',
        )})
      ) AS change
      GROUP BY memory_id
    `,
  )
  const known = new Map(histories.map((row) => [String(row.id), String(row.history)]))
  return rows.map(({ id, line }) => {
    const history = known.get(id)
    return { id, line: history === undefined ? line : `${line.slice(0, -1)},"${historyKey}":${history}}` }
  })
}

/** Writes the histories that lines have, of the memories with these ids. Only the tables' owner may. */
export async function restoreHistory(db: Database, ids: readonly string[], lines: string): Promise<void> {
  if (ids.length === 0) return
  const [row] = await queryRows(db, sql`SELECT current_schema() AS schema`)
  const table = sql`${sql.identifier(internalSchema(String(row?.schema)))}.memory_history`
  await queryRows(
    db,
    sql`
      INSERT INTO ${table} (memory_id, namespace, ${columnList(changeColumns)})
      SELECT line ->> 'id', line ->> 'namespace', ${columnList(changeColumns, 'change.')}
      FROM json_array_elements(${lines}::text::json) WITH ORDINALITY AS given (line, place)
      CROSS JOIN LATERAL json_array_elements(
        CASE json_typeof(line -> ${historyKey}::text) WHEN 'array' THEN line -> ${historyKey}::text ELSE '[]' END
      ) WITH ORDINALITY AS entry (change, number)
      CROSS JOIN LATERAL json_populate_record(NULL::${table}, entry.change) AS change
      WHERE line ->> 'id' IN (SELECT json_array_elements_text(${JSON.stringify(ids)}::text::json))
      ORDER BY given.place, entry.number
    `,
  )
}
