import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { PGlite as PGlite16 } from 'pglite-16'
import { pg_trgm } from 'pglite-16/contrib/pg_trgm'
import { vector } from 'pglite-16/vector'
import { describe, expect, inject, it } from 'vitest'
import { goldenFile, readCatalog } from '../../scripts/migrations/golden.ts'
import { type Connection, connect } from '../../src/database/connect.ts'
import { readMigrations } from '../../src/database/migrations.ts'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, migrate, remember } from '../../src/index.ts'
import { asSuperuser, connectForTest, createEmptyDatabase } from '../support/empty-database.ts'

const run = promisify(execFile)
const everyTag = readMigrations().map((migration) => migration.tag)
const onServer = describe.skipIf('skipped' in inject('server'))

async function ledger(db: Connection['db']) {
  return queryRows(db, sql`SELECT id, hash, created_at FROM public_opa.migrations ORDER BY id`)
}

describe('migrate (embedded)', () => {
  it('makes everything from empty, and changes nothing the second time', async () => {
    const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://' })
    expect(await migrate(db)).toEqual({ applied: everyTag, needsReindex: false })
    const [catalog, entries] = [await readCatalog(db), await ledger(db)]
    expect(await migrate(db)).toEqual({ applied: [], needsReindex: false })
    expect(await readCatalog(db)).toBe(catalog)
    expect(await ledger(db)).toEqual(entries)
    await close()
  })

  // An older PGlite stands in for a server of version 16.
  it('runs on PostgreSQL 16, to the same catalog and the same search', async () => {
    const client = await PGlite16.create({ extensions: { vector, pg_trgm } })
    const db = drizzle({ client: client as unknown as PGlite })
    const [server] = await queryRows(
      db,
      sql`SELECT current_setting('server_version_num')::int / 10000 AS version`,
    )
    expect(server).toEqual({ version: 16 })
    expect(await migrate(db)).toEqual({ applied: everyTag, needsReindex: false })
    expect(await readCatalog(db)).toBe(readFileSync(goldenFile, 'utf8'))
    await remember(db, { text: 'Ana prefers window seats' })
    expect(await bm25Search(db, { queryText: 'window' })).toHaveLength(1)
    await client.close()
  })
})

onServer('migrate (server)', () => {
  it('runs as an owner who is no superuser, where a superuser has created the vector extension', async () => {
    const url = await createEmptyDatabase({ as: 'owner' })
    const superuser = await connectForTest(asSuperuser(url))
    await superuser.db.execute(sql`CREATE EXTENSION vector`)
    const { db } = await connectForTest(url)
    expect(await migrate(db)).toEqual({ applied: everyTag, needsReindex: false })
    expect(await remember(db, { text: 'kept by the owner' })).toMatchObject({ created: true })
    expect(await migrate(db)).toEqual({ applied: [], needsReindex: false })
  })

  it('names the statement and who must run it where nobody has created the vector extension', async () => {
    const url = await createEmptyDatabase({ as: 'owner' })
    const { db } = await connectForTest(url)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching(
        /may not create it.*A superuser must run once in this database: CREATE EXTENSION vector;/,
      ),
    })
    expect(await queryRows(db, sql`SELECT to_regclass('public.memory_items') AS made`)).toEqual([
      { made: null },
    ])
  })

  it('migrates once when twenty processes call it at once', async () => {
    const url = await createEmptyDatabase()
    const connections = await Promise.all(Array.from({ length: 20 }, () => connectForTest(url)))
    const results = await Promise.all(connections.map(({ db }) => migrate(db)))
    expect(results.filter((result) => result.applied.length > 0)).toEqual([
      { applied: everyTag, needsReindex: false },
    ])
    expect(await ledger((connections[0] as Connection).db)).toHaveLength(everyTag.length)
  })

  it('leaves nothing for drizzle-kit migrate, and finds nothing to do after it', async () => {
    const [ours, theirs] = [await createEmptyDatabase(), await createEmptyDatabase()]
    const drizzleKit = (url: string) =>
      run('npx', ['drizzle-kit', 'migrate'], {
        env: { ...process.env, DATABASE_URL: url },
        cwd: process.cwd(),
      })
    const [one, other] = [await connectForTest(ours), await connectForTest(theirs)]
    await migrate(one.db)
    await drizzleKit(ours)
    expect(await ledger(one.db)).toHaveLength(everyTag.length)
    await drizzleKit(theirs)
    expect(await migrate(other.db)).toEqual({ applied: [], needsReindex: false })
    const withoutId = async ({ db }: Connection) => (await ledger(db)).map(({ id: _, ...entry }) => entry)
    expect(await withoutId(other)).toEqual(await withoutId(one))
    expect(await readCatalog(other.db)).toBe(await readCatalog(one.db))
  })

  it('refuses a database that is newer than the code', async () => {
    const { db } = await connectForTest(await createEmptyDatabase())
    await migrate(db)
    await db.execute(
      sql`INSERT INTO public_opa.migrations (hash, created_at) VALUES ('of a later version', 9999999999999)`,
    )
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'unsupported_database',
      message: expect.stringContaining('upgrade opa-db'),
    })
  })

  it('refuses an applied migration that was edited since', async () => {
    const { db } = await connectForTest(await createEmptyDatabase())
    await migrate(db)
    await db.execute(sql`UPDATE public_opa.migrations SET hash = 'another' WHERE id = 2`)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringContaining(`${everyTag[1]} is not the one that was applied`),
    })
  })

  it('refuses an encoding other than UTF-8', async () => {
    const { db } = await connectForTest(await createEmptyDatabase({ encoding: 'LATIN1' }))
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'unsupported_database',
      message: expect.stringContaining('has LATIN1'),
    })
  })

  it('refuses an old pgvector and an old server', async () => {
    const { db } = await connectForTest(await createEmptyDatabase())
    await db.execute(sql`CREATE EXTENSION vector`)
    await db.execute(sql`UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'`)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'unsupported_database',
      message: expect.stringMatching(/pgvector 0\.8 or newer.*has 0\.7\.4.*ALTER EXTENSION vector UPDATE/),
    })
    // No server of version 14 is at hand: the setting that migrate asks is overridden by a function before it in the path.
    await db.execute(sql`CREATE SCHEMA old`)
    await db.execute(
      sql`CREATE FUNCTION old.current_setting(name text) RETURNS text LANGUAGE sql AS $$ SELECT CASE name WHEN 'server_version_num' THEN '140012' ELSE pg_catalog.current_setting(name) END $$`,
    )
    await db.execute(sql`SET search_path = old, pg_catalog, public`)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'unsupported_database',
      message: expect.stringContaining('PostgreSQL 15 or newer'),
    })
  })

  it('leaves nothing behind when a migration fails', async () => {
    const { db } = await connectForTest(await createEmptyDatabase())
    await db.execute(sql`CREATE TABLE jobs (mine integer)`)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching(
        /schema public has tables .* that opa-db did not make: jobs\. .*schema: 'opa'/,
      ),
    })
    const made = await queryRows(
      db,
      sql`SELECT to_regclass('public.memory_items') AS table, to_regclass('public_opa.migrations') AS ledger`,
    )
    expect(made).toEqual([{ table: null, ledger: null }])
  })
})
