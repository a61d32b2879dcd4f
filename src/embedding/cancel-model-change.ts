import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { queryRows } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { refuseTransaction } from './begin-model-change.ts'
import { type SettleOptions, settleEmbeddings, settleKeys } from './settle-embeddings.ts'

/**
 * Gives up the change of the embedding model that is under way, and removes what was filled. Searches notice nothing.
 *
 * @throws ConflictError if no change is under way.
 * @example
 * await cancelModelChange(db)
 */
export async function cancelModelChange(db: Database, options: SettleOptions = {}): Promise<void> {
  checkOptions(options, settleKeys)
  refuseTransaction(db, 'cancelModelChange')
  await queryRows(db, sql`SELECT ${api(db)}cancel_model_change()`)
  await settleEmbeddings(db, options)
}
