import { sql } from 'drizzle-orm'
import { checkText, longestName } from '../database/check.ts'
import { type Database, isTransaction } from '../database/database.ts'
import { queryRows } from '../database/rows.ts'

/**
 * Runs the work in a transaction whose vectors are of the named model: the database refuses them if that is neither the
 * current nor the next one (src/sql/embedding/triggers/memory_items_place_embedding.sql). Without a name it is an ordinary
 * transaction.
 */
export async function withEmbeddingModel<T>(
  db: Database,
  model: string | undefined,
  work: (transaction: Database) => Promise<T>,
): Promise<T> {
  if (model === undefined) return db.transaction(work)
  checkText(model, 'model', { from: 1, to: longestName })
  return db.transaction(async (transaction) => {
    const before = await nameModel(transaction, model)
    const result = await work(transaction)
    // What a caller's own transaction writes after this is of a model that it names itself.
    if (isTransaction(db)) await nameModel(transaction, before)
    return result
  })
}

/** @returns what was named before. */
async function nameModel(transaction: Database, model: string): Promise<string> {
  const [row] = await queryRows(
    transaction,
    sql`
      SELECT before.model, set_config('opa.embedding_model', ${model}::text, true)
      FROM (SELECT COALESCE(current_setting('opa.embedding_model', true), '') AS model OFFSET 0) AS before
    `,
  )
  return String(row?.model ?? '')
}
