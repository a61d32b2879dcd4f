import { type SQL, sql } from 'drizzle-orm'
import type { Database } from './database.ts'

export function api(_db: Database): SQL {
  return sql.raw('')
}
export function internalSchema(schema: string): string {
  return schema
}
