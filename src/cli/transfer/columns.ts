import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { EmbeddingModel } from '../../embedding/embedding-model.ts'
import { memoryItems } from '../../schema/memory-items.ts'

/** Which of the database's own models a vector is of: no other database knows what these mean. */
const ofThisDatabase = ['embedding_model', 'next_embedding', 'next_embedding_model']

/** The columns of memory_items that a row is made of anywhere; the database makes the others of these. */
export const storedColumns: readonly string[] = Object.values(getTableColumns(memoryItems))
  .filter((column) => column.generated === undefined && !ofThisDatabase.includes(column.name))
  .map((column) => column.name)

/** The key of an exported line that names the model of its vector. */
export const modelKey = 'embedded_with'

/** A list of names for a raw statement, each with what is put before it. */
export function columnList(names: readonly string[], before = ''): SQL {
  return sql.raw(names.map((name) => `${before}"${name}"`).join(', '))
}

/** What a line of an export says, selected from memory_items AS m: the stored columns, and the model of the vector. */
export function lineColumns(model: EmbeddingModel, withVectors: boolean): SQL {
  // While a change of the model is tidied up, the searched vector may still lie in the other column.
  const vector = sql`CASE WHEN m.embedding_model = ${sql.raw(String(model.id))} THEN m.embedding
    WHEN m.next_embedding_model = ${sql.raw(String(model.id))} THEN m.next_embedding END`
  const selected = storedColumns
    .filter((name) => withVectors || name !== 'embedding')
    // A vector's text is a JSON array.
    .map((name) =>
      name === 'embedding' ? sql`(${vector})::text::json AS embedding` : sql.raw(`m."${name}"`),
    )
  const named = withVectors && model.name !== null ? [sql`${model.name}::text AS ${sql.raw(modelKey)}`] : []
  return sql.join([...selected, ...named], sql`, `)
}
