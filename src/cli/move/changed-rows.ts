import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows, toNumber } from '../../database/rows.ts'
import { embeddingModel } from '../../embedding/embedding-model.ts'
import { withEmbeddingModel } from '../../embedding/embedding-writer.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { columnList, lineColumns, storedColumns } from '../transfer/columns.ts'
import { restoreHistory, withHistories } from '../transfer/history.ts'

/** A row as the source has it: its id, and all its stored columns as JSON that the database wrote. */
export interface CopiedRow {
  readonly id: string
  readonly line: string
}

/** A transaction id; everything that was written by older ones had committed or rolled back when it was taken. */
export type Horizon = string

const rowsAtATime = 500

/**
 * Gives the rows of a namespace that were written by transactions at or after the horizon, all of them without one.
 *
 * @returns the horizon for the next call: taken in the same snapshot, so no row version falls between two calls. A
 *   version is told by the transaction that wrote it (xmin) and not by a time, since a transaction's time is that of its
 *   beginning and it may commit much later.
 */
export async function changedRows(
  db: Database,
  namespace: string,
  horizon: Horizon | undefined,
  onRows: (rows: readonly CopiedRow[]) => Promise<void>,
): Promise<Horizon> {
  return db.transaction(
    async (transaction) => {
      await transaction.execute(sql`SET LOCAL timezone = 'UTC'`)
      const [now] = await queryRows(
        transaction,
        sql`SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS horizon`,
      )
      // Ages count from one moment of this transaction, and wrap around as xmin does.
      const isChanged = horizon === undefined ? sql`true` : sql`age(m.xmin) <= age(${horizon}::text::xid)`
      await transaction.execute(sql`
        DECLARE changed NO SCROLL CURSOR FOR
        SELECT memory.id, row_to_json(memory)::text AS line
        FROM (
          SELECT ${lineColumns(await embeddingModel(transaction), true)} FROM ${memoryItems} AS m
          WHERE m.namespace = ${namespace}::text AND ${isChanged}
        ) AS memory
      `)
      for (;;) {
        const rows = await queryRows(transaction, sql.raw(`FETCH FORWARD ${rowsAtATime} FROM changed`))
        if (rows.length === 0) return String(now?.horizon)
        const read = rows.map(({ id, line }) => ({ id: String(id), line: String(line) }))
        await onRows(await withHistories(transaction, read))
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}

/**
 * Writes rows as they are, `updated_at` too: replaced and not updated, since a trigger would set that.
 *
 * @param model the name of the model that made the vectors, where it is known.
 * @throws ConflictError if an id belongs to another namespace there.
 */
export async function replaceRows(
  db: Database,
  namespace: string,
  rows: readonly CopiedRow[],
  model: string | undefined,
): Promise<void> {
  const lines = `[${rows.map(({ line }) => line).join(',')}]`
  await withEmbeddingModel(db, model, async (transaction) => {
    await deleteRows(
      transaction,
      namespace,
      rows.map(({ id }) => id),
    )
    await queryRows(
      transaction,
      sql`
        INSERT INTO ${memoryItems} (${columnList(storedColumns)})
        SELECT ${columnList(storedColumns)} FROM json_populate_recordset(NULL::${memoryItems}, ${lines}::text::json)
      `,
    )
    await restoreHistory(
      transaction,
      rows.map(({ id }) => id),
      lines,
    )
  })
}

export async function deleteRows(db: Database, namespace: string, ids: readonly string[]): Promise<void> {
  await queryRows(
    db,
    sql`DELETE FROM ${memoryItems} WHERE namespace = ${namespace}::text
      AND id IN (SELECT json_array_elements_text(${JSON.stringify(ids)}::text::json))`,
  )
}

export async function countNamespace(db: Database, namespace: string): Promise<number> {
  const [row] = await queryRows(
    db,
    sql`SELECT count(*) AS rows FROM ${memoryItems} WHERE namespace = ${namespace}::text`,
  )
  return toNumber(row?.rows)
}
