import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  real,
  text,
  timestamp,
  vector,
} from 'drizzle-orm/pg-core'
import { trigger, updatedAtTriggers } from './trigger.ts'

/** Dimensions of `memory_items.embedding`. */
export const embeddingDimensions = 384

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })

/** What the assistant remembers: found by keyword, by meaning, or by both. */
export const memoryItems = pgTable(
  'memory_items',
  {
    /** A trigger fills it where it is left out: `memory_id(namespace, text, tags)`. */
    id: text('id').primaryKey().default(sql`NULL`),
    namespace: text('namespace').notNull().default('default'),
    text: text('text').notNull(),
    tags: text('tags').array().notNull().default(sql`'{}'`),
    speakerId: text('speaker_id'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    embedding: vector('embedding', { dimensions: embeddingDimensions }),
    importance: real('importance').notNull().default(0.5),
    expiresAt: timestamp('expires_at', { withTimezone: true }),
    searchVector: tsvector('search_vector').generatedAlwaysAs(sql`layered_search_vector("text")`),
    lexemeCount: integer('lexeme_count').generatedAlwaysAs(sql`lexeme_count("text")`),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
    /** When it began to be true, and when it ceased to be; null where that is not known, or not the case. */
    validFrom: timestamp('valid_from', { withTimezone: true }),
    validTo: timestamp('valid_to', { withTimezone: true }),
    /** When another memory took its place, and which: from then on no search returns it, unless it asks for the past. */
    supersededAt: timestamp('superseded_at', { withTimezone: true }),
    supersededBy: text('superseded_by'),
    /** The document that it is a part of, and the how manieth from 0. */
    documentId: text('document_id'),
    documentPlace: integer('document_place'),
    /** Finds the memory that says the same: see `canonical_text`. */
    contentHash: bigint('content_hash', { mode: 'bigint' }).generatedAlwaysAs(
      sql`content_hash("namespace", "text")`,
    ),
  },
  (table) => [
    index('memory_items_tags_idx').using('gin', table.tags),
    // halfvec halves the index; normalised first, because components near 1e-9 would vanish and 70,000 would not fit.
    index('memory_items_embedding_idx').using(
      'hnsw',
      sql`(l2_normalize(${table.embedding})::halfvec(${sql.raw(String(embeddingDimensions))})) halfvec_cosine_ops`,
    ),
    index('memory_items_text_idx').using('gin', table.text.op('gin_trgm_ops')),
    index('memory_items_search_vector_idx').using('gin', table.searchVector),
    index('memory_items_namespace_created_at_idx').on(table.namespace, table.createdAt),
    index('memory_items_created_at_idx').on(table.createdAt),
    index('memory_items_content_hash_idx').on(table.contentHash),
    index('memory_items_metadata_idx').using('gin', table.metadata.op('jsonb_path_ops')),
    index('memory_items_speaker_id_idx').on(table.speakerId).where(sql`${table.speakerId} IS NOT NULL`),
    index('memory_items_document_idx')
      .on(table.documentId, table.documentPlace)
      .where(sql`${table.documentId} IS NOT NULL`),
    index('memory_items_superseded_by_idx')
      .on(table.supersededBy)
      .where(sql`${table.supersededBy} IS NOT NULL`),
    check('memory_items_id_check', sql`octet_length(${table.id}) BETWEEN 1 AND 1024`),
    check('memory_items_namespace_check', sql`octet_length(${table.namespace}) BETWEEN 1 AND 1024`),
    check('memory_items_text_check', sql`octet_length(${table.text}) BETWEEN 1 AND 65536`),
    check('memory_items_tags_check', sql`array_position(${table.tags}, NULL) IS NULL`),
    check('memory_items_metadata_check', sql`jsonb_typeof(${table.metadata}) = 'object'`),
    check('memory_items_valid_check', sql`${table.validFrom} <= ${table.validTo}`),
    check(
      'memory_items_superseded_check',
      sql`(${table.supersededAt} IS NULL) = (${table.supersededBy} IS NULL)`,
    ),
    check(
      'memory_items_document_check',
      sql`(${table.documentId} IS NULL) = (${table.documentPlace} IS NULL)`,
    ),
    check('memory_items_importance_check', sql`${table.importance} BETWEEN 0 AND 1`),
    // A zero vector has no direction. The other bounds keep squares within single precision, in which pgvector
    // sums them: past 1e18 or below 1e-18 a cosine would be NaN.
    check('memory_items_embedding_check', sql`vector_norm(${table.embedding}) BETWEEN 1e-15 AND 1e15`),
  ],
)

/** `updated_at` is the database's, not the client's. */
export const [memoryItemsUpdatedAt, memoryItemsUpdatedAtKept] = updatedAtTriggers(memoryItems)

/** The default id of a row that is inserted without one. */
export const memoryItemsFillId = trigger(memoryItems, {
  name: 'memory_items_fill_id',
  timing: 'BEFORE',
  events: 'INSERT',
  each: 'ROW',
  function: 'fill_memory_id',
  when: 'NEW.id IS NULL',
})

/** A vector that was made of another text is wrong: a changed text without a new vector is pending again. */
export const memoryItemsDropStaleEmbedding = trigger(memoryItems, {
  name: 'memory_items_drop_stale_embedding',
  timing: 'BEFORE',
  events: 'UPDATE',
  each: 'ROW',
  function: 'drop_stale_embedding',
  when: 'OLD.text IS DISTINCT FROM NEW.text AND OLD.embedding::text IS NOT DISTINCT FROM NEW.embedding::text',
})

/** A row of `memory_items`. */
export type MemoryItem = typeof memoryItems.$inferSelect
/** What an insert into `memory_items` takes. */
export type NewMemoryItem = typeof memoryItems.$inferInsert
