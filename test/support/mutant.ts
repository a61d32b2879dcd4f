import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'

/** A function of the database whose body is to be another one. */
export interface MutatedFunction {
  readonly schema: string
  readonly name: string
  readonly body: string
  readonly mutated: string
}

/** Replaces the function. What does not compile is the database's error. */
export async function applyMutant(
  db: Database,
  { schema, name, body, mutated }: MutatedFunction,
): Promise<void> {
  const rows = await queryRows(
    db,
    sql`
      SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
      WHERE pronamespace = ${schema}::text::regnamespace AND proname = ${name}::text AND prosrc = ${body}::text
    `,
  )
  if (rows.length !== 1)
    throw new Error(`expected one function ${schema}.${name} with this body, found ${rows.length}`)
  const definition = String(rows[0]?.definition)
  await db.execute(sql.raw(definition.replace(body, () => mutated)))
}

/** For `npm run mutate`, which runs the tests with a mutant in this file: that of the environment, if there is one. */
export async function applyMutantOfEnvironment(db: Database): Promise<void> {
  const file = process.env.OPA_MUTANT
  if (file !== undefined) await applyMutant(db, JSON.parse(readFileSync(file, 'utf8')))
}
