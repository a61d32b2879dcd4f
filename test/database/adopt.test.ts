import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import type { Sql } from 'postgres'
import { describe, expect, inject, it } from 'vitest'
import { goldenFile, readCatalog } from '../../scripts/migrations/golden.ts'
import { type Connection, connect } from '../../src/database/connect.ts'
import { readMigrations } from '../../src/database/migrations.ts'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, claim, complete, getJob, migrate, remember } from '../../src/index.ts'
import { connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { roleName } from '../support/roles.ts'

/** A database as version 0.1.0 made it: a dump of its schema with its rows of the shared ledger. */
const history = gunzipSync(
  readFileSync(new URL('../fixtures/history-0.1.0.sql.gz', import.meta.url)),
).toString()

async function makeOldDatabase({ db, location }: Connection): Promise<void> {
  if (location.kind === 'embedded') await (db.$client as PGlite).exec(history)
  else await (db.$client as Sql).unsafe(history)
  await db.execute(sql`SET search_path = public`)
  const statements = [
    `INSERT INTO memory_items (id, text, tags, embedding, metadata)
      SELECT 'm' || n, 'window seat number ' || n, ARRAY['travel'], array_fill(n::real, ARRAY[384])::vector, '{"a": 1}'
      FROM generate_series(1, 60) AS n`,
    `UPDATE memory_items SET text = text || ' revised' WHERE id IN ('m1', 'm2')`,
    `SELECT enqueue('index', job_id => 'done'), enqueue('index', job_id => 'waits', wait_reason => 'approval')`,
    `SELECT complete(id, lease_token, '{"found": 3}') FROM claim('default', 'old worker')`,
    `SELECT enqueue('index', job_id => 'runs')`,
    `SELECT claim('default', 'old worker', lease_seconds => 3600)`,
    `CREATE TABLE notes (memory text REFERENCES memory_items (id) ON DELETE CASCADE, job text REFERENCES jobs (id))`,
    `INSERT INTO notes VALUES ('m7', 'done')`,
    `CREATE FUNCTION retry(mine integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    `INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('of another project', 1)`,
  ]
  for (const statement of statements) await db.execute(sql.raw(statement))
}

async function expectAdopted(db: Connection['db']): Promise<void> {
  // What is left of the old is a function and a table of others.
  const mine =
    /\n\n(TABLE public\.notes|CREATE OR REPLACE FUNCTION public\.retry\(mine)[\s\S]*?(?=\n\n[A-Z-])/g
  expect((await readCatalog(db)).replace(mine, '')).toBe(readFileSync(goldenFile, 'utf8'))
  expect(await queryRows(db, sql`SELECT hash FROM drizzle.__drizzle_migrations`)).toEqual([
    { hash: 'of another project' },
  ])
  const ledger = await queryRows(db, sql`SELECT hash FROM public_opa.migrations ORDER BY id`)
  expect(ledger.map(({ hash }) => hash)).toEqual(readMigrations().map(({ hash }) => hash))

  const [counted] = await queryRows(
    db,
    sql`SELECT count(*)::int AS rows, count(embedding)::int AS vectors, count(DISTINCT metadata)::int AS metadata FROM memory_items`,
  )
  expect(counted).toEqual({ rows: 60, vectors: 60, metadata: 1 })
  expect(await bm25Search(db, { queryText: 'window seat', k: 100 })).toHaveLength(60)
  expect((await bm25Search(db, { queryText: 'revised' })).map(({ id }) => id).sort()).toEqual(['m1', 'm2'])

  expect(await getJob(db, { id: 'done' })).toMatchObject({ status: 'completed', result: { found: 3 } })
  expect(await getJob(db, { id: 'waits' })).toMatchObject({ status: 'waiting', waitReason: 'approval' })
  const runs = await getJob(db, { id: 'runs' })
  expect(runs).toMatchObject({ status: 'running', workerId: 'old worker' })
  expect(await complete(db, { id: 'runs', leaseToken: runs?.leaseToken ?? 0 })).toBe('ok')
  expect(await claim(db, { workerId: 'new worker' })).toEqual([])

  await expect(db.execute(sql`INSERT INTO notes VALUES ('nowhere', 'done')`)).rejects.toThrow()
  await db.execute(sql`DELETE FROM memory_items WHERE id = 'm7'`)
  expect(await queryRows(db, sql`SELECT * FROM notes`)).toEqual([])
  expect(await queryRows(db, sql`SELECT public.retry(1) AS mine`)).toEqual([{ mine: 1 }])
  expect(await remember(db, { text: 'new in the old' })).toMatchObject({ created: true })
  expect((await migrate(db)).applied).toEqual([])
}

describe('a database of version 0.1.0 (embedded)', () => {
  it('is adopted with all its rows', async () => {
    const connection = await connect({ kind: 'embedded', dataDir: 'memory://' })
    await makeOldDatabase(connection)
    expect((await migrate(connection.db)).applied).toHaveLength(readMigrations().length)
    await expectAdopted(connection.db)
    await connection.close()
  })
})

describe.skipIf('skipped' in inject('server'))('a database of version 0.1.0 (server)', () => {
  it('is adopted with all its rows, what others made of them, and their rights', async () => {
    const connection = await connectForTest(await createEmptyDatabase())
    const { db } = connection
    await makeOldDatabase(connection)
    const role = roleName('before')
    await db.execute(sql.raw(`CREATE ROLE ${role}`))
    await db.execute(sql.raw(`GRANT SELECT ON memory_items TO ${role}`))
    expect((await migrate(db)).applied).toHaveLength(readMigrations().length)
    await expectAdopted(db)
    await db.transaction(async (transaction) => {
      await transaction.execute(sql.raw(`SET LOCAL ROLE ${role}`))
      expect(await bm25Search(transaction, { queryText: 'window', k: 5 })).toHaveLength(5)
    })
    await db.execute(sql.raw(`DROP OWNED BY ${role}`))
    await db.execute(sql.raw(`DROP ROLE ${role}`))
  })

  it('is left alone when somebody else’s view depends on a table of it', async () => {
    const connection = await connectForTest(await createEmptyDatabase())
    const { db } = connection
    await makeOldDatabase(connection)
    await db.execute(sql`CREATE VIEW mine AS SELECT search_vector FROM memory_items`)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringContaining('depend'),
    })
    const [counted] = await queryRows(db, sql`SELECT count(*)::int AS rows FROM memory_items`)
    expect(counted).toEqual({ rows: 60 })
    expect(await queryRows(db, sql`SELECT to_regnamespace('public_opa') AS made`)).toEqual([{ made: null }])
  })

  it('is refused where it is older than the last of 0.1.0', async () => {
    const connection = await connectForTest(await createEmptyDatabase())
    await makeOldDatabase(connection)
    await connection.db.execute(
      sql`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations WHERE hash <> 'of another project')`,
    )
    await expect(migrate(connection.db)).rejects.toMatchObject({
      code: 'unsupported_database',
      message: expect.stringContaining('12 of the 13 migrations'),
    })
  })
})
