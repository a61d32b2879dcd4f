import { getTableColumns, sql } from 'drizzle-orm'
import { memoryItems } from '../../schema/memory-items.ts'

const columns = Object.values(getTableColumns(memoryItems))

/** The columns of memory_items that a row is made of; the database makes the others of these. */
export const storedColumns: readonly string[] = columns
  .filter((column) => column.generated === undefined)
  .map((column) => column.name)

/** A list of names for a raw statement, each with what is put before it. */
export function columnList(names: readonly string[], before = '') {
  return sql.raw(names.map((name) => `${before}"${name}"`).join(', '))
}
