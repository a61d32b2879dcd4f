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
} from 'drizzle-orm/pg-core'
import { defaultDimensions } from './embedding-models.ts'
import { trigger, updatedAtTriggers } from './trigger.ts'

/**
 * pgvector's type without a size: how many numbers a vector has is the model's affair (`embedding_models`), checked by
 * a trigger. With a size in the type, each model would need a schema, and a migration, of its own.
 */
const vector = customType<{ data: number[]; driverData: string }>({
  dataType: () => 'vector',
  toDriver: (value) => `[${value.join(',')}]`,
  fromDriver: (value) => (Array.isArray(value) ? value : JSON.parse(value)),
})
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
    /** Of the current model; only while a finished change is being tidied up, of the former one in some rows. */
    embedding: vector('embedding'),
    /** `embedding_models.id` of `embedding`, kept by a trigger; null exactly where there is no embedding. */
    embeddingModel: integer('embedding_model'),
    /** While a change of the model is under way, the vector of the next one. */
    nextEmbedding: vector('next_embedding'),
    nextEmbeddingModel: integer('next_embedding_model'),
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
      // The vector of model 1, in whichever column it lies: as embedding_index_definition gives it.
      sql.raw(
        `(l2_normalize(CASE WHEN embedding_model = 1 THEN embedding WHEN next_embedding_model = 1 THEN next_embedding END)::halfvec(${defaultDimensions})) halfvec_cosine_ops`,
      ),
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
    check(
      'memory_items_next_embedding_check',
      sql`vector_norm(${table.nextEmbedding}) BETWEEN 1e-15 AND 1e15`,
    ),
  ],
)

/** Or a marker of one, which only the trigger may set. */
function hasVector(row: 'OLD' | 'NEW'): string {
  const columns = ['embedding', 'next_embedding', 'embedding_model', 'next_embedding_model']
  return columns.map((column) => `${row}.${column} IS NOT NULL`).join(' OR ')
}

const placesEmbedding = {
  timing: 'BEFORE',
  each: 'ROW',
  function: 'memory_items_place_embedding',
} as const

/** Checks each new vector against its model, and says which one it is of. A row without one costs nothing. */
export const memoryItemsEmbedding = trigger(memoryItems, {
  ...placesEmbedding,
  name: 'memory_items_embedding',
  events: 'INSERT',
  when: hasVector('NEW'),
})
export const memoryItemsEmbeddingChanged = trigger(memoryItems, {
  ...placesEmbedding,
  name: 'memory_items_embedding_changed',
  events: 'UPDATE OF text, embedding, embedding_model, next_embedding, next_embedding_model',
  when: `${hasVector('NEW')} OR ${hasVector('OLD')}`,
})

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
