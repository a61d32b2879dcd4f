import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { readMigrations } from '../../src/database/migrations.ts'
import { resetDatabase } from '../../src/database/reset.ts'
import { queryRows } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { install, installation } from '../support/installation.ts'

describeOnEachBackend('resetDatabase', (test) => {
  const left = () =>
    queryRows(
      test.db,
      sql`
        SELECT relname AS name FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN (${installation.schema}::text, ${internalSchema(installation.schema)}::text))
        UNION ALL
        SELECT proname FROM pg_proc AS p WHERE pronamespace = ${installation.schema}::text::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = ${installation.schema}::text::regnamespace
      `,
    )
  const extensions = async () =>
    (await queryRows(test.db, sql`SELECT extname FROM pg_extension WHERE extname IN ('vector', 'pg_trgm')`))
      .length

  it('drops what the migrations made and nothing else', async () => {
    const mine = [
      'CREATE TABLE mine (id integer)',
      "CREATE FUNCTION retry(job integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
      "CREATE FUNCTION cancel(job uuid) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
      'CREATE SCHEMA drizzle',
      'CREATE TABLE drizzle.__drizzle_migrations (id integer, hash text, created_at bigint)',
    ]
    for (const statement of mine) await test.db.execute(sql.raw(statement))
    const dropped = await resetDatabase(test.db)
    expect(dropped).toContain(`SCHEMA "${internalSchema(installation.schema)}"`)
    expect((await left()).map(({ name }) => name).sort()).toEqual(['cancel', 'mine', 'retry'])
    expect(await queryRows(test.db, sql`SELECT * FROM drizzle.__drizzle_migrations`)).toEqual([])
    expect(await extensions()).toBe(2)
  })

  it('does nothing more the second time, and the migrations run again', async () => {
    await resetDatabase(test.db)
    expect((await install(test.db)).applied).toHaveLength(readMigrations().length)
  })

  it('drops nothing when something of a user depends on it', async () => {
    await test.db.execute(sql`CREATE VIEW my_jobs AS SELECT id FROM jobs`)
    await expect(resetDatabase(test.db)).rejects.toMatchObject({ message: expect.stringContaining('depend') })
    expect((await queryRows(test.db, sql`SELECT count(*)::int AS jobs FROM jobs`))[0]).toEqual({ jobs: 0 })
    await test.db.execute(sql`DROP VIEW my_jobs`)
  })

  it('drops the extensions where it is asked to', async () => {
    await resetDatabase(test.db, { extensions: true })
    expect(await extensions()).toBe(0)
  })
})
