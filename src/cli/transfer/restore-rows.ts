import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows, translatingErrors } from '../../database/rows.ts'
import { withEmbeddingModel } from '../../embedding/embedding-writer.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { columnList, storedColumns } from './columns.ts'
import { historyKey, restoreHistory } from './history.ts'

/** A row of an export: its id, which columns its line has, and the line. */
export interface ExportedRow {
  readonly id: string
  readonly keys: readonly string[]
  readonly line: string
  /** The numbers of its vector, 0 without one, and the model that made it, where the export says so. */
  readonly dimensions: number
  readonly model?: string | undefined
}

export type RestoreOutcome = 'created' | 'updated' | 'unchanged' | 'foreign'

/**
 * Writes rows of an export as they were, the columns that their lines have. The database reads the JSON itself, so that
 * every digit arrives. A row that is there already is brought to what the line says, unless it is of another namespace
 * (`foreign`); one that says the same is not written again.
 *
 * @param rows all with the same keys and of one model, each id once.
 * @returns an outcome for each id.
 * @throws InvalidInputError if a line cannot be stored; then none is.
 */
export async function restoreRows(
  db: Database,
  rows: readonly ExportedRow[],
  withVectors: boolean,
): Promise<Map<string, RestoreOutcome>> {
  const given = storedColumns.filter(
    (name) => rows[0]?.keys.includes(name) && (withVectors || name !== 'embedding'),
  )
  // updated_at is the database's: it is kept on a new row, and a trigger sets it where a row changes.
  const compared = given.filter((name) => name !== 'id' && name !== 'updated_at')
  const lines = `[${rows.map(({ line }) => line).join(',')}]`
  const statement = sql`
      WITH given AS MATERIALIZED (
        SELECT ${columnList(given)} FROM json_populate_recordset(NULL::${memoryItems}, ${lines}::text::json)
      ),
      written AS (
        INSERT INTO ${memoryItems} AS m (${columnList(given)})
        SELECT ${columnList(given)} FROM given ORDER BY id
        ON CONFLICT (id) DO UPDATE SET (${columnList(compared)}) = ROW (${columnList(compared, 'excluded.')})
        WHERE m.namespace = excluded.namespace
          AND (${columnList(compared, 'm.')}) IS DISTINCT FROM (${columnList(compared, 'excluded.')})
        RETURNING m.id, m.xmax = 0 AS created
      )
      SELECT given.id, CASE
        WHEN written.created THEN 'created'
        WHEN written.id IS NOT NULL THEN 'updated'
        WHEN there.namespace = given.namespace THEN 'unchanged'
        ELSE 'foreign'
      END AS outcome
      FROM given
      LEFT JOIN written ON written.id = given.id
      LEFT JOIN ${memoryItems} AS there ON there.id = given.id
    `
  const hasHistory = rows.some(({ keys }) => keys.includes(historyKey))
  const model = withVectors ? rows[0]?.model : undefined
  return translatingErrors(() =>
    withEmbeddingModel(db, model, async (transaction) => {
      const found = await queryRows(transaction, statement)
      const outcomes = new Map(found.map((row) => [String(row.id), String(row.outcome) as RestoreOutcome]))
      // A memory that was there has a history of its own, to which its change has just been added.
      const created = [...outcomes].filter(([, outcome]) => outcome === 'created').map(([id]) => id)
      if (hasHistory) await restoreHistory(transaction, created, lines)
      return outcomes
    }),
  )
}
