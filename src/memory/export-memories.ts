import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import type { Memory } from './get-memory.ts'
import { historyEntries, type MemoryHistoryEntry } from './history-entries.ts'
import { listMemories } from './list-memories.ts'
import { type MemoryScope, scopeFilter, scopeKeys } from './scope.ts'

/** A memory with what it was before its changes, oldest first. */
export interface ExportedMemory extends Memory {
  readonly history: MemoryHistoryEntry[]
}

export interface ExportMemoriesOptions extends MemoryScope {
  /** Memories that are read at a time, 1 to 1000; 500 by default. */
  readonly batchSize?: number
}

const optionKeys = { ...scopeKeys, batchSize: true } satisfies OptionKeys<ExportMemoriesOptions>

/**
 * Gives every memory of a scope, the newest first, expired and superseded ones too, with their history: what `erase` of
 * the same scope would delete. Read page by page, so any number of them takes little memory; what is remembered meanwhile
 * is not in it.
 *
 * @throws as `erase`.
 * @example
 * for await (const memory of exportMemories(db, { namespace: 'ana' })) file.write(`${JSON.stringify(memory)}\n`)
 */
export async function* exportMemories(
  db: Database,
  options: ExportMemoriesOptions,
): AsyncGenerator<ExportedMemory, void, void> {
  checkOptions(options, optionKeys)
  const { batchSize, ...scope } = options
  const filter = scopeFilter(scope)
  const limit = checkedInteger(batchSize, 'batchSize', { from: 1, to: 1000, otherwise: 500 })
  for (let after: string | undefined; ; ) {
    const page = await listMemories(db, {
      filter,
      limit,
      includeExpired: true,
      includeSuperseded: true,
      ...(after === undefined ? {} : { after }),
    })
    const changes = await historyEntries(
      db,
      page.items.map((memory) => memory.id),
    )
    for (const memory of page.items) {
      yield { ...memory, history: changes.filter((change) => change.memoryId === memory.id) }
    }
    if (page.next === null) return
    after = page.next
  }
}
