import { asc, eq, sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { builtRows, queryRows, toNumber, translatingErrors } from '../database/rows.ts'
import { api, inSchemaOf } from '../database/schema-name.ts'
import { checkedTime } from '../database/time.ts'
import { memoryItems } from '../schema/memory-items.ts'
import { getMemory } from './get-memory.ts'
import { historyEntries } from './history-entries.ts'

/** What a memory said for a time. */
export interface MemoryVersion {
  readonly text: string
  readonly tags: string[]
  readonly metadata: Record<string, unknown>
  readonly importance: number
  /** From the memory's `createdAt`, or the change before. */
  readonly since: Date
  /** Until this change; null for what it says now. */
  readonly until: Date | null
  /** The database role that made this change, and who acted by it (see `withActor`); null for what it says now. */
  readonly changedBy: string | null
  readonly actor: string | null
}

export interface MemoryHistory {
  readonly id: string
  /** Oldest first; the last one is what the memory says now. */
  readonly versions: MemoryVersion[]
  readonly supersededAt: Date | null
  readonly supersededBy: string | null
  /** The memories in whose place it came. */
  readonly supersedes: string[]
}

export interface MemoryHistoryOptions {
  readonly id: string
  /** Only if the memory is in this namespace. */
  readonly namespace?: string
}

const optionKeys = { id: true, namespace: true } satisfies OptionKeys<MemoryHistoryOptions>

/**
 * What a memory said, from the beginning until now, and what it superseded and was superseded by. Changes of text, tags,
 * metadata and importance are kept, whichever client made them, unless the history was off (`setMemoryHistory`) or has
 * been pruned.
 *
 * @returns null if there is no such memory: what is forgotten has no history.
 * @example
 * const history = await memoryHistory(db, { id })
 * for (const { text, since, until, changedBy } of history?.versions ?? []) console.log(text, since, until, changedBy)
 */
export async function memoryHistory(
  db: Database,
  options: MemoryHistoryOptions,
): Promise<MemoryHistory | null> {
  checkOptions(options, optionKeys)
  const memory = await getMemory(db, options)
  if (memory === null) return null
  const changes = await historyEntries(db, [memory.id])
  const superseded = await builtRows(() =>
    db
      .select({ id: memoryItems.id })
      .from(inSchemaOf(db, memoryItems))
      .where(eq(memoryItems.supersededBy, memory.id))
      .orderBy(asc(memoryItems.createdAt), asc(memoryItems.id)),
  )
  const versions: MemoryVersion[] = []
  let { text, tags, metadata, importance } = memory
  let later: { until: Date | null; changedBy: string | null; actor: string | null } = {
    until: null,
    changedBy: null,
    actor: null,
  }
  // Backwards: a change keeps only what it changed, as it was before.
  for (const change of [...changes].reverse()) {
    versions.unshift({ text, tags, metadata, importance, since: change.changedAt, ...later })
    text = change.text ?? text
    tags = change.tags ?? tags
    metadata = change.metadata ?? metadata
    importance = change.importance ?? importance
    later = { until: change.changedAt, changedBy: change.changedBy, actor: change.actor }
  }
  versions.unshift({ text, tags, metadata, importance, since: memory.createdAt, ...later })
  return {
    id: memory.id,
    versions,
    supersededAt: memory.supersededAt,
    supersededBy: memory.supersededBy,
    supersedes: superseded.map((row) => row.id),
  }
}

/**
 * Turns the history of memories on or off for the whole database; it is on until somebody asks. Off, updates cost what
 * they would without it, and what was kept stays. Needs the owner of the tables.
 *
 * @example
 * await setMemoryHistory(db, { isOn: false })
 */
export async function setMemoryHistory(db: Database, options: { readonly isOn: boolean }): Promise<void> {
  checkOptions(options, { isOn: true })
  await queryRows(db, sql`SELECT ${api(db)}set_memory_history(${String(options.isOn)}::text::boolean)`)
}

export interface PruneMemoryHistoryOptions {
  /** What memories were before changes of before this time. */
  readonly before: Date | string
  /** Only of this namespace. */
  readonly namespace?: string
  /** Entries a statement, 1 to 10,000; 1,000 by default. */
  readonly batchSize?: number
  /** Ends the run after the batch under way. */
  readonly signal?: AbortSignal
}

const pruneKeys = {
  before: true,
  namespace: true,
  batchSize: true,
  signal: true,
} satisfies OptionKeys<PruneMemoryHistoryOptions>

/**
 * Deletes old entries of the history, in batches that each commit.
 *
 * @returns how many are gone.
 * @example
 * await pruneMemoryHistory(db, { before: new Date(Date.now() - 365 * 86_400_000) })
 */
export async function pruneMemoryHistory(db: Database, options: PruneMemoryHistoryOptions): Promise<number> {
  checkOptions(options, pruneKeys)
  const { namespace = null, signal } = options
  const before = checkedTime(options.before, 'before')
  const batchSize = checkedInteger(options.batchSize, 'batchSize', { from: 1, to: 10_000, otherwise: 1000 })
  if (namespace !== null) checkText(namespace, 'namespace')
  let pruned = 0
  while (!signal?.aborted) {
    const [row] = await queryRows(
      db,
      sql`SELECT ${api(db)}prune_memory_history(
        ${before}::text::timestamptz, ${namespace}::text, ${String(batchSize)}::text::integer) AS pruned`,
    )
    const count = toNumber(row?.pruned)
    pruned += count
    if (count < batchSize) break
  }
  return pruned
}

/**
 * Runs `work` in a transaction whose changes the history knows as made by this actor: the user behind a service's one
 * database role, for example.
 *
 * @example
 * await withActor(db, 'ana@example.com', (transaction) => remember(transaction, { id, text: 'corrected' }))
 */
export async function withActor<T>(
  db: Database,
  actor: string,
  work: (transaction: Database) => Promise<T>,
): Promise<T> {
  checkText(actor, 'actor', { from: 1, to: 1024 })
  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT set_config('opa.actor', ${actor}::text, true)`)
      return work(transaction)
    }),
  )
}
