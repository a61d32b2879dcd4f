import { sql } from 'drizzle-orm'
import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { filterSql } from '../search/search-filter.ts'
import { type MemoryScope, scopeFilter, scopeKeys } from './scope.ts'

export interface EraseOptions extends MemoryScope {
  /** True: only counts what would be erased. */
  readonly dryRun?: boolean
  /** Memories a statement, 1 to 10,000; 1,000 by default. */
  readonly batchSize?: number
  /** Called after each batch with how many memories are gone, of how many. */
  readonly onProgress?: (erased: number, total: number) => void
  /** Ends the run after the batch under way; what is gone is gone. */
  readonly signal?: AbortSignal
}

export interface EraseResult {
  /** Memories and entries of their history that are gone; in a dry run, that would be. */
  readonly memories: number
  readonly historyEntries: number
  /**
   * Whether their words have left the search statistics as well. False in a dry run, after a signal, and while another
   * transaction is adding the statistics up: `foldSearchStatistics` does it later, as does any later writer.
   */
  readonly statisticsCleared: boolean
}

const optionKeys = {
  ...scopeKeys,
  dryRun: true,
  batchSize: true,
  onProgress: true,
  signal: true,
} satisfies OptionKeys<EraseOptions>

/**
 * Erases the memories of a scope, expired and superseded ones too, with their history and the traces of their words in the
 * search statistics. Batches commit one by one, unless `db` is a transaction. Afterwards `proveErased` looks for traces.
 *
 * PostgreSQL keeps deleted rows in its files until VACUUM has come by, and in its log and backups for as long as you keep
 * those.
 *
 * @throws InvalidInputError for a scope that is empty or cannot be.
 * @example
 * const { memories } = await erase(db, { namespace: 'ana', dryRun: true })
 * await erase(db, { namespace: 'ana' })
 */
export async function erase(db: Database, options: EraseOptions): Promise<EraseResult> {
  checkOptions(options, optionKeys)
  const { dryRun = false, batchSize, onProgress, signal, ...scope } = options
  const filter = scopeFilter(scope)
  const most = checkedInteger(batchSize, 'batchSize', { from: 1, to: 10_000, otherwise: 1000 })
  const total = await countScope(db, filter)
  if (dryRun) return { ...total, statisticsCleared: false }

  let memories = 0
  let historyEntries = 0
  for (let more = true; more && !signal?.aborted; ) {
    const [row] = await queryRows(
      db,
      sql`SELECT * FROM ${api(db)}erase_memories(${filterSql(filter)}, ${String(most)}::text::integer)`,
    )
    const erased = toNumber(row?.memories)
    memories += erased
    historyEntries += toNumber(row?.history_entries)
    more = erased > 0
    if (more) onProgress?.(memories, Math.max(memories, total.memories))
  }
  const statisticsCleared = !signal?.aborted && (await clearStatistics(db))
  return { memories, historyEntries, statisticsCleared }
}

async function countScope(db: Database, filter: MemoryScope) {
  const all = filterSql({ ...filter, expired: true, superseded: true } as MemoryScope)
  const [row] = await queryRows(db, sql`SELECT * FROM ${api(db)}count_scope(${all})`)
  return { memories: toNumber(row?.memories), historyEntries: toNumber(row?.history_entries) }
}

/** Folds until no document's words wait in the log; a fold by somebody else is waited for, but not for long. */
async function clearStatistics(db: Database): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    await queryRows(db, sql`SELECT ${api(db)}fold_search_statistics()`)
    const [row] = await queryRows(db, sql`SELECT ${api(db)}has_search_log() AS waiting`)
    if (row?.waiting === false) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
