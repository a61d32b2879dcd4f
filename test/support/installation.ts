import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { type MigrateResult, migrate } from '../../src/database/migrate.ts'
import { internalSchema, quoteIdentifier } from '../../src/database/schema-name.ts'
import { defaultDimensions } from '../../src/schema/embedding-models.ts'
import { dimensions } from './dimensions.ts'

/** Where the tests install: `OPA_TEST_SCHEMA` and `OPA_TEST_EXTENSIONS`, to run the suite in other schemas than public. */
export const installation = {
  schema: process.env.OPA_TEST_SCHEMA || 'public',
  extensions: process.env.OPA_TEST_EXTENSIONS || 'public',
}

/** What the tests' connections find without a schema's name: the internal schema as well, to look behind the API. */
export const testPath = [
  installation.schema,
  internalSchema(installation.schema),
  ...(installation.extensions === installation.schema ? [] : [installation.extensions]),
]
  .map(quoteIdentifier)
  .join(', ')

/** Installs into the schema of the tests, with the extensions in theirs. */
export async function install(db: Database): Promise<MigrateResult> {
  if (installation.extensions !== 'public') {
    await db.execute(sql.raw(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(installation.extensions)}`))
    for (const extension of ['vector', 'pg_trgm'])
      await db.execute(
        sql.raw(
          `CREATE EXTENSION IF NOT EXISTS ${extension} SCHEMA ${quoteIdentifier(installation.extensions)}`,
        ),
      )
  }
  const result = await migrate(db, { schema: installation.schema })
  if (dimensions !== defaultDimensions) {
    const name = quoteIdentifier(installation.schema)
    await db.execute(sql`SELECT ${sql.raw(name)}.use_embedding_model(NULL, ${dimensions}::integer)`)
  }
  return result
}
