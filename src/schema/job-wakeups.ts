import { bigint, customType, index, pgTable } from 'drizzle-orm/pg-core'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/**
 * Parents to look at again: a child of theirs ended while somebody else held the parent's row locked. Waiting for that row
 * would hold up the child's worker and could end in a deadlock, so the next claim from the parent's queue looks instead.
 */
export const jobWakeups = pgTable(
  'job_wakeups',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    queue: identifier('queue').notNull(),
    parentId: identifier('parent_id').notNull(),
  },
  (table) => [index('job_wakeups_queue_idx').on(table.queue, table.id)],
)
