import { sql } from 'drizzle-orm'
import { bigint, customType, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { memoryItems } from './memory-items.ts'
import { trigger } from './trigger.ts'

// What BM25 needs to know about the corpus. Written by memory_items' triggers and by the fold alone, read through
// search_statistics(): the columns are an implementation detail, and no client has rights on them.

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })
const transactionId = customType<{ data: string }>({ dataType: () => 'xid8' })
const transactionIds = customType<{ data: string[] }>({ dataType: () => 'xid8[]' })
const objectId = customType<{ data: number }>({ dataType: () => 'oid' })
/** Lexemes compare by their bytes: index lookups need no collation, and every server sorts them alike. */
const lexemeText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' })

/** The newest row is the corpus at the last fold: a fold inserts one and deletes the older. */
export const searchTotals = pgTable('search_totals', {
  fold: bigint('fold', { mode: 'bigint' }).primaryKey(),
  documents: bigint('documents', { mode: 'bigint' }).notNull(),
  totalLength: bigint('total_length', { mode: 'bigint' }).notNull(),
  /** Log rows from here on, and those of the transactions that were running, are not in the totals. */
  horizon: transactionId('horizon').notNull(),
  running: transactionIds('running').notNull(),
  /** What wrote the row and in which table: a restored row is known by being in another, and its horizon is void. */
  foldedBy: transactionId('folded_by').notNull(),
  foldedIn: objectId('folded_in').notNull(),
})

/** In how many documents a lexeme is, and is in impact layer 1, 2, 3, at the last fold; its newest epoch counts. */
export const searchLexemes = pgTable(
  'search_lexemes',
  {
    lexeme: lexemeText('lexeme').notNull(),
    epoch: integer('epoch').notNull(),
    documentFrequency: bigint('document_frequency', { mode: 'bigint' }).notNull(),
    layer1: bigint('layer_1', { mode: 'bigint' }).notNull().default(sql`0`),
    layer2: bigint('layer_2', { mode: 'bigint' }).notNull().default(sql`0`),
    layer3: bigint('layer_3', { mode: 'bigint' }).notNull().default(sql`0`),
  },
  (table) => [primaryKey({ name: 'search_lexemes_pkey', columns: [table.lexeme, table.epoch] })],
)

/**
 * The lexemes of the last fold, for the correction of misspelt words. A table of its own, because every
 * version of a row of search_lexemes that is written elsewhere would be a new entry under all of its trigrams.
 */
export const searchVocabulary = pgTable(
  'search_vocabulary',
  { lexeme: lexemeText('lexeme').primaryKey() },
  (table) => [index('search_vocabulary_lexeme_idx').using('gin', table.lexeme.op('gin_trgm_ops'))],
)

/**
 * What the stored lexemes were made by (search_fingerprint, and the server's major version), and how far a reindex has come.
 * One row; in a restored database it is void, because its table is another.
 */
export const searchDictionary = pgTable('search_dictionary', {
  /** The table that the note is about. */
  indexedIn: objectId('indexed_in').primaryKey(),
  fingerprint: text('fingerprint').notNull(),
  serverVersion: integer('server_version').notNull(),
  /** The fingerprint that a reindex in progress works for, and the id that it has come to. */
  reindexing: text('reindexing'),
  reindexedTo: text('reindexed_to'),
})

/**
 * Changes since: one row a document; or one for a bulk statement, or for many documents once they are compacted (then
 * lexemes is null, see searchLogLexemes).
 */
export const searchLog = pgTable(
  'search_log',
  {
    xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
    entry: bigint('entry', { mode: 'bigint' }).generatedAlwaysAsIdentity(),
    documents: bigint('documents', { mode: 'bigint' }).notNull(),
    totalLength: bigint('total_length', { mode: 'bigint' }).notNull(),
    lexemes: tsvector('lexemes'),
  },
  (table) => [primaryKey({ name: 'search_log_pkey', columns: [table.xid, table.entry] })],
)

/** The lexemes of such a log row, layer lexemes among them, sorted, 64 a row. */
export const searchLogLexemes = pgTable(
  'search_log_lexemes',
  {
    xid: transactionId('xid').notNull(),
    entry: bigint('entry', { mode: 'bigint' }).notNull(),
    firstLexeme: lexemeText('first_lexeme').notNull(),
    lexemes: text('lexemes').array().notNull(),
    documents: bigint('documents', { mode: 'bigint' }).array().notNull(),
  },
  (table) => [
    primaryKey({ name: 'search_log_lexemes_pkey', columns: [table.xid, table.entry, table.firstLexeme] }),
  ],
)

const logsChange = { timing: 'AFTER', each: 'STATEMENT', function: 'log_memory_items_change' } as const

export const memoryItemsLogInsert = trigger(memoryItems, {
  name: 'memory_items_log_insert',
  events: 'INSERT',
  referencing: 'NEW TABLE AS new_rows',
  ...logsChange,
})
export const memoryItemsLogUpdate = trigger(memoryItems, {
  name: 'memory_items_log_update',
  events: 'UPDATE',
  referencing: 'OLD TABLE AS old_rows NEW TABLE AS new_rows',
  ...logsChange,
})
export const memoryItemsLogDelete = trigger(memoryItems, {
  name: 'memory_items_log_delete',
  events: 'DELETE',
  referencing: 'OLD TABLE AS old_rows',
  ...logsChange,
})
export const memoryItemsClearStatistics = trigger(memoryItems, {
  name: 'memory_items_clear_search_statistics',
  timing: 'AFTER',
  events: 'TRUNCATE',
  each: 'STATEMENT',
  function: 'clear_search_statistics',
})

/** Asked at one of 32 documents, and at each bulk statement: asking costs as much as logging. */
export const searchLogFold = trigger(searchLog, {
  name: 'search_log_fold',
  timing: 'AFTER',
  events: 'INSERT',
  each: 'ROW',
  function: 'fold_search_log',
  when: 'NEW.lexemes IS NULL OR NEW.entry % 32 = 0',
  atCommit: true,
})

const ignoresRestored = {
  timing: 'BEFORE',
  events: 'INSERT',
  each: 'ROW',
  function: 'ignore_restored_statistics',
  when: `pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on'`,
} as const

export const searchTotalsIgnoreRestored = trigger(searchTotals, {
  name: 'search_totals_ignore_restored',
  ...ignoresRestored,
})
export const searchLexemesIgnoreRestored = trigger(searchLexemes, {
  name: 'search_lexemes_ignore_restored',
  ...ignoresRestored,
})
export const searchVocabularyIgnoreRestored = trigger(searchVocabulary, {
  name: 'search_vocabulary_ignore_restored',
  ...ignoresRestored,
})
export const searchLogIgnoreRestored = trigger(searchLog, {
  name: 'search_log_ignore_restored',
  ...ignoresRestored,
})
export const searchLogLexemesIgnoreRestored = trigger(searchLogLexemes, {
  name: 'search_log_lexemes_ignore_restored',
  ...ignoresRestored,
})
