import { sql } from 'drizzle-orm'
import { bigint, index, jsonb, pgTable, real, text, timestamp } from 'drizzle-orm/pg-core'
import { memoryItems } from './memory-items.ts'
import { trigger } from './trigger.ts'

/**
 * What memories were before they were changed: a row for each update of text, tags, metadata or importance, by whichever
 * client. A column is null where that change left it as it was. Deleted together with its memory.
 */
export const memoryHistory = pgTable(
  'memory_history',
  {
    entry: bigint('entry', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    memoryId: text('memory_id').notNull(),
    namespace: text('namespace').notNull(),
    /** Start of the transaction that changed the memory: what stands here was so until then. */
    changedAt: timestamp('changed_at', { withTimezone: true }).notNull().default(sql`now()`),
    /** The database role, and who acted by it, where the client said so (the setting `opa.actor`). */
    changedBy: text('changed_by').notNull().default(sql`current_user`),
    actor: text('actor'),
    text: text('text'),
    tags: text('tags').array(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>(),
    importance: real('importance'),
  },
  (table) => [
    index('memory_history_memory_id_idx').on(table.memoryId, table.entry),
    index('memory_history_changed_at_idx').on(table.changedAt),
  ],
)

export const memoryItemsKeepHistory = trigger(memoryItems, {
  name: 'memory_items_keep_history',
  timing: 'AFTER',
  events: 'UPDATE',
  each: 'ROW',
  function: 'keep_memory_history',
  when: '(OLD.importance, OLD.tags, OLD.text, OLD.metadata, OLD.id, OLD.namespace) IS DISTINCT FROM (NEW.importance, NEW.tags, NEW.text, NEW.metadata, NEW.id, NEW.namespace)',
})

export const memoryItemsForgetHistory = trigger(memoryItems, {
  name: 'memory_items_forget_history',
  timing: 'AFTER',
  events: 'DELETE',
  each: 'STATEMENT',
  referencing: 'OLD TABLE AS old_rows',
  function: 'forget_memory_history',
})

export const memoryItemsClearHistory = trigger(memoryItems, {
  name: 'memory_items_clear_history',
  timing: 'AFTER',
  events: 'TRUNCATE',
  each: 'STATEMENT',
  function: 'clear_memory_history',
})
