export { type Connection, type ConnectOptions, connect, type OpenDatabase } from './database/connect.ts'
export type { Database } from './database/database.ts'
export {
  type DatabaseLocation,
  type EmbeddedLocation,
  resolveLocation,
  type ServerLocation,
} from './database/location.ts'
export { type MigrateResult, migrate } from './database/migrate.ts'
export {
  ConfigurationError,
  ConflictError,
  DatabaseError,
  InvalidInputError,
  MigrationError,
  NotFoundError,
  OpaError,
  UnsupportedDatabaseError,
} from './errors.ts'
export { type Bm25ScoreOptions, bm25Score } from './memory/bm25-score.ts'
export {
  type Bm25Result,
  type Bm25SearchOptions,
  bm25Search,
  type SearchResult,
} from './memory/bm25-search.ts'
export type { Embedding } from './memory/embedding.ts'
export { forget } from './memory/forget.ts'
export { getMemory, type Memory } from './memory/get-memory.ts'
export { type HybridResult, type HybridSearchOptions, hybridSearch } from './memory/hybrid-search.ts'
export { type ListMemoriesOptions, listMemories, type MemoryPage } from './memory/list-memories.ts'
export { memoryId } from './memory/memory-id.ts'
export { type RecallOptions, recall } from './memory/recall.ts'
export { type NewMemory, type RememberResult, remember } from './memory/remember.ts'
export { type RememberManyOptions, rememberMany } from './memory/remember-many.ts'
export type { SearchFilter, SearchOptions } from './memory/search-filter.ts'
export { type VectorResult, type VectorSearchOptions, vectorSearch } from './memory/vector-search.ts'
export type { MemoryItem, NewMemoryItem } from './schema/index.ts'
export * as schema from './schema/index.ts'
