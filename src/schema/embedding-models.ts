import { sql } from 'drizzle-orm'
import { check, integer, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'

/** Dimensions of the model that a database has before it is told otherwise. */
export const defaultDimensions = 384
/** pgvector's HNSW takes half-precision vectors up to this. */
export const mostDimensions = 4000

/**
 * The embedding models that made the stored vectors. Written by `use_embedding_model`, `begin_model_change`,
 * `finish_model_change`, `cancel_model_change`, and by the first named writer where the model has no name yet. Empty at
 * first, which means model 1, without a name, of 384 dimensions: no row is needed, so a data-only restore meets none.
 */
export const embeddingModels = pgTable(
  'embedding_models',
  {
    /** What `memory_items.embedding_model` and `next_embedding_model` say. */
    id: integer('id').primaryKey(),
    /** Null: not known. The first embedder that writes names it. */
    name: text('name'),
    dimensions: integer('dimensions').notNull(),
    /** `current` is searched, `next` is being filled, `former` and `cancelled` are history. */
    state: text('state').$type<'current' | 'next' | 'former' | 'cancelled'>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** When it got its present state. */
    changedAt: timestamp('changed_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('embedding_models_state_unique')
      .on(table.state)
      .where(sql`${table.state} IN ('current', 'next')`),
    check('embedding_models_name_check', sql`octet_length(${table.name}) BETWEEN 1 AND 1024`),
    check('embedding_models_dimensions_check', sql`${table.dimensions} BETWEEN 1 AND 4000`),
    check('embedding_models_state_check', sql`${table.state} IN ('current', 'next', 'former', 'cancelled')`),
  ],
)

/** A row of `embedding_models`. */
export type EmbeddingModelRow = typeof embeddingModels.$inferSelect
