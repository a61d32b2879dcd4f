import type { PGlite } from '@electric-sql/pglite'
import type { NodePgDatabase, NodePgQueryResultHKT } from 'drizzle-orm/node-postgres'
import { type PgTransaction, pgTable, text } from 'drizzle-orm/pg-core'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import { assertType, expectTypeOf, test } from 'vitest'
import {
  type Bm25Result,
  type Bm25SearchOptions,
  bm25Score,
  bm25Search,
  type ConflictError,
  type Connection,
  connect,
  type Database,
  type DatabaseError,
  disableNamespaceIsolation,
  type EmbeddedDatabase,
  type Embedding,
  type ExplainSearchOptions,
  enableNamespaceIsolation,
  forget,
  getMemory,
  grantNamespaces,
  type HybridFilter,
  type HybridResult,
  type HybridSearchOptions,
  hybridSearch,
  type InvalidInputError,
  type JobAttempt,
  listMemories,
  type Memory,
  type MemoryItem,
  memoryId,
  type NewMemory,
  type NewMemoryItem,
  type OpaSchema,
  type OpenDatabase,
  type PagedFilter,
  type RememberResult,
  recall,
  remember,
  rememberMany,
  resolveLocation,
  revokeNamespaces,
  type SearchCursor,
  type SearchFilter,
  type ServerDatabase,
  schema,
  type VectorResult,
  vectorSearch,
} from '../../src/index.ts'

declare const db: Database
declare const embedding: number[]

test('a database is any Drizzle Postgres database or transaction', () => {
  expectTypeOf<PostgresJsDatabase>().toExtend<Database>()
  expectTypeOf<PostgresJsDatabase<typeof schema>>().toExtend<Database>()
  expectTypeOf<NodePgDatabase>().toExtend<Database>()
  expectTypeOf<NodePgDatabase<typeof schema>>().toExtend<Database>()
  expectTypeOf<PgliteDatabase>().toExtend<Database>()
  expectTypeOf<
    PgTransaction<NodePgQueryResultHKT, Record<string, never>, Record<string, never>>
  >().toExtend<Database>()
  expectTypeOf<Parameters<Parameters<PostgresJsDatabase['transaction']>[0]>[0]>().toExtend<Database>()
  expectTypeOf<Parameters<Parameters<PgliteDatabase['transaction']>[0]>[0]>().toExtend<Database>()
  expectTypeOf<Connection['db']>().toExtend<Database>()
  expectTypeOf<ServerDatabase>().toExtend<OpenDatabase>()
  expectTypeOf<EmbeddedDatabase>().toExtend<OpenDatabase>()
  // @ts-expect-error: an address is no database
  assertType(getMemory('postgres://localhost/opa', { id: 'x' }))
})

test('connect gives a Drizzle database of the driver, with the schema that was given', async () => {
  const { db: ofServer } = await connect({ kind: 'server', url: 'postgres://localhost/opa' })
  expectTypeOf(ofServer).toExtend<PostgresJsDatabase<OpaSchema>>()
  expectTypeOf(ofServer.$client).toEqualTypeOf<Sql>()
  const { db: embedded } = await connect({ kind: 'embedded', dataDir: '.opa' })
  expectTypeOf(embedded).toExtend<PgliteDatabase<OpaSchema>>()
  expectTypeOf(embedded.$client).toEqualTypeOf<PGlite>()
  const { db: either } = await connect(resolveLocation({}))
  expectTypeOf(either).toEqualTypeOf<OpenDatabase>()
  const { memoryItems } = schema
  for (const db of [either, ofServer] as const) {
    const insert = db.insert(memoryItems).values({ id: 'x', text: 'x' }).returning({ id: memoryItems.id })
    expectTypeOf(insert).resolves.toEqualTypeOf<{ id: string }[]>()
    const [job] = await db.query.jobs.findMany({ with: { attempts: true } })
    expectTypeOf(job?.attempts).toEqualTypeOf<JobAttempt[] | undefined>()
  }
  const notes = pgTable('notes', { id: text('id').primaryKey() })
  const { db: own } = await connect({ kind: 'embedded', dataDir: '.opa' }, { schema: { notes } })
  expectTypeOf(own.query.notes.findMany()).resolves.toEqualTypeOf<{ id: string }[]>()
  // @ts-expect-error: a URL alone is no location
  assertType(connect('postgres://localhost/opa'))
  // @ts-expect-error: a server has a URL
  assertType(connect({ kind: 'server', dataDir: '.opa' }))
})

test('rows come from the schema', () => {
  expectTypeOf<MemoryItem>().toEqualTypeOf<typeof schema.memoryItems.$inferSelect>()
  expectTypeOf<NewMemoryItem>().toEqualTypeOf<typeof schema.memoryItems.$inferInsert>()
  expectTypeOf<MemoryItem['tags']>().toEqualTypeOf<string[]>()
  expectTypeOf<MemoryItem['embedding']>().toEqualTypeOf<number[] | null>()
  expectTypeOf<MemoryItem['metadata']>().toEqualTypeOf<Record<string, unknown>>()
  expectTypeOf<MemoryItem['createdAt']>().toEqualTypeOf<Date>()
  expectTypeOf<MemoryItem['expiresAt']>().toEqualTypeOf<Date | null>()
  expectTypeOf<NewMemoryItem>().not.toHaveProperty('searchVector')
  expectTypeOf<Memory>().not.toHaveProperty('searchVector')
  expectTypeOf<Memory>().not.toHaveProperty('lexemeCount')
  expectTypeOf<schema.MemoryItem>().toEqualTypeOf<MemoryItem>()
})

test('an embedding is an array or a typed array of numbers', () => {
  expectTypeOf<number[]>().toExtend<Embedding>()
  expectTypeOf<readonly number[]>().toExtend<Embedding>()
  expectTypeOf<Float32Array>().toExtend<Embedding>()
  expectTypeOf<Float64Array>().toExtend<Embedding>()
  expectTypeOf<string>().not.toExtend<Embedding>()
  expectTypeOf<string[]>().not.toExtend<Embedding>()
  expectTypeOf<BigInt64Array>().not.toExtend<Embedding>()
})

test('writing', () => {
  expectTypeOf(remember(db, { text: 'x' })).resolves.toEqualTypeOf<RememberResult>()
  expectTypeOf<RememberResult>().toExtend<{ readonly id: string; readonly created: boolean }>()
  expectTypeOf(rememberMany(db, { items: [{ text: 'x' }] as const })).resolves.toEqualTypeOf<
    RememberResult[]
  >()
  expectTypeOf(forget(db, { ids: ['x'] as const, namespace: 'ana' })).resolves.toEqualTypeOf<string[]>()
  expectTypeOf<NewMemory['expiresAt']>().toEqualTypeOf<Date | string | null | undefined>()
  expectTypeOf(memoryId).toBeCallableWith('default', 'x', ['a'] as const)
  // @ts-expect-error: the text is needed
  assertType<NewMemory>({ tags: ['x'] })
  // @ts-expect-error: metadata is an object
  assertType<NewMemory>({ text: 'x', metadata: 'y' })
  // @ts-expect-error: a misspelt column
  assertType<NewMemory>({ text: 'x', speaker_id: 's' })
  // @ts-expect-error: ids are a list
  assertType(forget(db, { ids: 'x' }))
})

test('reading', () => {
  expectTypeOf(getMemory(db, { id: 'x' })).resolves.toEqualTypeOf<Memory | null>()
  expectTypeOf(listMemories(db)).resolves.toEqualTypeOf<{
    readonly items: Memory[]
    readonly next: string | null
  }>()
})

test('searching', () => {
  expectTypeOf(bm25Search(db, { queryText: 'x' })).resolves.toEqualTypeOf<Bm25Result[]>()
  expectTypeOf(vectorSearch(db, { queryEmbedding: embedding })).resolves.toEqualTypeOf<VectorResult[]>()
  expectTypeOf(hybridSearch(db, { queryText: 'x', queryEmbedding: null })).resolves.toEqualTypeOf<
    HybridResult[]
  >()
  expectTypeOf(recall(db, { question: 'x' })).resolves.toEqualTypeOf<HybridResult[]>()
  expectTypeOf(bm25Score(db, { queryText: 'x', docText: 'y', k1: 1, b: 0 })).resolves.toEqualTypeOf<number>()
  expectTypeOf<Bm25Result['score']>().toEqualTypeOf<number>()
  expectTypeOf<Bm25Result['createdAt']>().toEqualTypeOf<Date>()
  expectTypeOf<VectorResult['similarity']>().toEqualTypeOf<number>()
  expectTypeOf<HybridResult['vectorScore']>().toEqualTypeOf<number | null>()
  expectTypeOf<HybridResult['bm25Rank']>().toEqualTypeOf<number | null>()
  expectTypeOf<HybridResult['bm25Score']>().toEqualTypeOf<number>()
  expectTypeOf<HybridSearchOptions['fusion']>().toEqualTypeOf<'convex' | 'rrf' | undefined>()
  expectTypeOf<SearchFilter['since']>().toEqualTypeOf<Date | string | undefined>()
  // @ts-expect-error: a query text is needed
  assertType<Bm25SearchOptions>({ k: 3 })
  // @ts-expect-error: a filter key that is none
  assertType<SearchFilter>({ namspace: 'ana' })
  // @ts-expect-error: a filter value of null would find everybody's rows
  assertType<SearchFilter>({ namespace: null })
  // @ts-expect-error: nor may it be undefined
  assertType<SearchFilter>({ namespace: undefined })
  // @ts-expect-error: a fusion that is none
  assertType<HybridSearchOptions>({ fusion: 'sum' })
  // @ts-expect-error: an embedding is needed
  assertType(vectorSearch(db, { queryEmbedding: null }))
})

test('ranking and paging', () => {
  expectTypeOf<HybridFilter['recency']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<HybridFilter['importance']>().toEqualTypeOf<number | boolean | undefined>()
  expectTypeOf<HybridFilter['diversity']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<HybridFilter['candidates']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<SearchCursor>().toEqualTypeOf<{ readonly score: number; readonly id: string }>()
  expectTypeOf<HybridSearchOptions['filter']>().toEqualTypeOf<HybridFilter | undefined>()
  expectTypeOf<Bm25SearchOptions['filter']>().toEqualTypeOf<PagedFilter | undefined>()
  expectTypeOf(bm25Search).toBeCallableWith(db, { queryText: 'x', filter: { after: { score: 1, id: 'm' } } })
  expectTypeOf(recall).toBeCallableWith(db, { question: 'x', filter: { recency: 30, diversity: 0.5 } })
  // @ts-expect-error: a half-life is a number
  assertType<HybridFilter>({ recency: '30 days' })
  // @ts-expect-error: a cursor has an id
  assertType<PagedFilter>({ after: { score: 1 } })
  // @ts-expect-error: keyword search ranks by words alone
  assertType<Bm25SearchOptions>({ queryText: 'x', filter: { recency: 30 } })
  // @ts-expect-error: an explanation has no pages
  assertType<ExplainSearchOptions>({ queryText: 'x', filter: { after: { score: 1, id: 'm' } } })
})

test('namespace isolation', () => {
  expectTypeOf(enableNamespaceIsolation(db)).resolves.toBeVoid()
  expectTypeOf(enableNamespaceIsolation).toBeCallableWith(db, { roles: { service: ['ana'] as const } })
  expectTypeOf(disableNamespaceIsolation(db)).resolves.toBeVoid()
  expectTypeOf(grantNamespaces(db, { role: 'service', namespaces: ['ana'] })).resolves.toBeNumber()
  expectTypeOf(revokeNamespaces(db, { role: 'service' })).resolves.toBeNumber()
  // @ts-expect-error: namespaces are a list
  assertType(grantNamespaces(db, { role: 'service', namespaces: 'ana' }))
  // @ts-expect-error: a role has a list of namespaces
  assertType(enableNamespaceIsolation(db, { roles: { service: 'ana' } }))
})

test('errors have a literal code', () => {
  expectTypeOf<InvalidInputError['code']>().toEqualTypeOf<'invalid_input'>()
  expectTypeOf<ConflictError['code']>().toEqualTypeOf<'conflict'>()
  expectTypeOf<DatabaseError['code']>().toEqualTypeOf<'database'>()
})
