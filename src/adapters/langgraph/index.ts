export { DatabaseStore, type DatabaseStoreOptions } from './database-store.ts'
