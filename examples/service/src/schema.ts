import { pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'
import { jobs, memoryItems } from 'opa-db/schema'

// Only the service's own tables are exported: drizzle-kit makes what a schema file exports. opa-db's are imported to refer
// to them.

export const users = pgTable('users', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
})

/** A note of a user. Its text is a memory, and goes with it. */
export const notes = pgTable('notes', {
  id: serial('id').primaryKey(),
  userId: text('user_id')
    .notNull()
    .references(() => users.id),
  title: text('title').notNull(),
  memoryId: text('memory_id')
    .notNull()
    .references(() => memoryItems.id, { onDelete: 'cascade' }),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

/** A summary that was asked for. It outlives its job, which may be pruned. */
export const summaries = pgTable('summaries', {
  id: serial('id').primaryKey(),
  userId: text('user_id')
    .notNull()
    .references(() => users.id),
  jobId: text('job_id').references(() => jobs.id, { onDelete: 'set null' }),
  text: text('text'),
})
