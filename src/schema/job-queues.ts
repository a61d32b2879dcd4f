import { customType, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

const identifier = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

/** Queues that are paused: claims from them find nothing. A queue needs no row here to exist. */
export const jobQueues = pgTable('job_queues', {
  queue: identifier('queue').primaryKey(),
  pausedAt: timestamp('paused_at', { withTimezone: true }).notNull(),
  reason: text('reason'),
})

/** A queue that is paused. */
export type JobQueue = typeof jobQueues.$inferSelect
