import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { readCatalog } from '../../scripts/migrations/golden.ts'
import { connect } from '../../src/database/connect.ts'
import type { Database } from '../../src/database/database.ts'
import { resetDatabase } from '../../src/database/reset.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  claim,
  complete,
  enqueue,
  getJob,
  getMemory,
  hybridSearch,
  listMemories,
  migrate,
  onJobs,
  remember,
  setJobNotifications,
  schema as tables,
  vectorIndexHealth,
  vectorSearch,
} from '../../src/index.ts'
import { asSuperuser, connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { embedding } from '../support/fixtures.ts'

const run = promisify(execFile)

/** What a person does with it, whatever the schema is called. */
async function expectToWork(db: Database, name: string): Promise<void> {
  const { id } = await remember(db, { text: `window seats for ${name}`, embedding: embedding(1) })
  expect(await bm25Search(db, { queryText: 'windw seat' })).toMatchObject([{ id }])
  expect(await vectorSearch(db, { queryEmbedding: embedding(1) })).toMatchObject([{ id }])
  expect(await hybridSearch(db, { queryText: 'seat', queryEmbedding: embedding(1) })).toMatchObject([{ id }])
  expect(await getMemory(db, { id })).toMatchObject({ text: `window seats for ${name}` })
  expect((await listMemories(db)).items).toHaveLength(1)
  expect(await vectorIndexHealth(db)).toMatchObject({ method: 'hnsw' })
  const job = await enqueue(db, { intent: 'index', mode: 'agent', inputs: { name } })
  const [claimed] = await claim(db, { workerId: 'w', modes: ['agent'] })
  expect(claimed).toMatchObject({ id: job.id, inputs: { name } })
  expect(await complete(db, { id: job.id, leaseToken: claimed?.leaseToken ?? 0 })).toBe('ok')
  expect(await getJob(db, { id: job.id })).toMatchObject({ status: 'completed' })
}

describe('an installation in a schema of its own (embedded)', () => {
  it('works, and a second one beside it sees nothing of it', async () => {
    const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://', schema: 'opa' })
    await migrate(db)
    await expectToWork(db, 'opa')
    expect(await db.$count(tables.memoryItems)).toBe(1)
    await migrate(db, { schema: 'Another "one"' })
    expect(
      await queryRows(db, sql`SELECT count(*)::int AS rows FROM "Another ""one""".memory_items`),
    ).toEqual([{ rows: 0 }])
    await close()
  })
})

describe.skipIf('skipped' in inject('server'))('schemas (server)', () => {
  it('two installations in one database do not see each other, and each is the same', async () => {
    const url = await createEmptyDatabase()
    const open = async (schema: string) => {
      const connection = await connect({ kind: 'server', url, schema }, { maxConnections: 2 })
      onTestFinished(() => connection.close())
      return connection.db
    }
    const [one, other] = [await open('tenant_a'), await open('tenant_b')]
    await migrate(one)
    await migrate(other)
    await expectToWork(one, 'a')
    await expectToWork(other, 'b')
    const heard = { one: 0, other: 0 }
    for (const [name, db] of Object.entries({ one, other }) as ['one' | 'other', Database][]) {
      await setJobNotifications(db, { isOn: true })
      onTestFinished(await onJobs(db, { queue: 'default', onReady: () => (heard[name] += 1) }))
    }
    await enqueue(one, { intent: 'heard' })
    await expect.poll(() => heard.one, { timeout: 20_000 }).toBe(1)
    await enqueue(other, { intent: 'heard' })
    await expect.poll(() => heard.other, { timeout: 20_000 }).toBe(1)
    expect(heard).toEqual({ one: 1, other: 1 })
    for (const db of [one, other]) await setJobNotifications(db, { isOn: false })
    expect(await readCatalog(one, { schema: 'tenant_a' })).toBe(
      await readCatalog(other, { schema: 'tenant_b' }),
    )
    await resetDatabase(one)
    expect(
      await queryRows(other, sql`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'tenant%'`),
    ).toHaveLength(3)
    expect(await bm25Search(other, { queryText: 'seats' })).toHaveLength(1)
  })

  it('helpers name the schema where connections look elsewhere first', async () => {
    const url = await createEmptyDatabase({ as: 'plain' })
    const superuser = await connectForTest(asSuperuser(url))
    const { username } = new URL(url)
    // Supabase's arrangement: extensions apart, everything in public for everybody, an owner without superuser rights.
    for (const statement of [
      'CREATE SCHEMA extensions',
      `GRANT USAGE, CREATE ON SCHEMA extensions TO ${username}`,
      'CREATE EXTENSION vector SCHEMA extensions',
      'CREATE EXTENSION pg_trgm SCHEMA extensions',
      `CREATE SCHEMA AUTHORIZATION ${username}`,
      `CREATE TABLE ${username}.jobs (mine integer)`,
      `CREATE FUNCTION ${username}.cancel(job_id text) RETURNS text LANGUAGE sql AS $$ SELECT 'not ours' $$`,
      `GRANT CREATE ON SCHEMA public TO ${username}`,
    ]) {
      await superuser.db.execute(sql.raw(statement))
    }
    const { db, close } = await connect({ kind: 'server', url, schema: 'public' }, { maxConnections: 1 })
    onTestFinished(close)
    await migrate(db)
    await db.execute(sql.raw(`SET search_path = ${username}`))
    await expectToWork(db, 'public')
  })

  it('default privileges give nobody what is ours', async () => {
    const url = await createEmptyDatabase()
    const { db } = await connectForTest(url)
    const anon = `anon_${new URL(url).pathname.slice(1)}`
    await db.execute(sql.raw(`CREATE ROLE ${anon}`))
    for (const what of ['TABLES', 'FUNCTIONS', 'SEQUENCES'])
      await db.execute(sql.raw(`ALTER DEFAULT PRIVILEGES GRANT ALL ON ${what} TO ${anon}`))
    await migrate(db)
    const open = await queryRows(
      db,
      sql`SELECT c.oid::regclass::text AS name FROM pg_class AS c
          WHERE c.relnamespace IN ('public'::regnamespace, 'public_opa'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
            AND c.relname <> 'migrations_id_seq' AND c.relname <> 'migrations' AND has_table_privilege(${anon}::text, c.oid, 'SELECT')
          UNION ALL
          SELECT p.oid::regprocedure::text FROM pg_proc AS p
          WHERE p.pronamespace = 'public_opa'::regnamespace AND has_function_privilege(${anon}::text, p.oid, 'EXECUTE')
            AND has_schema_privilege(${anon}::text, 'public_opa', 'USAGE')`,
    )
    expect(open).toEqual([])
    await db.execute(sql.raw(`DROP OWNED BY ${anon}`))
    await db.execute(sql.raw(`DROP ROLE ${anon}`))
  })

  it('refuses a schema that has tables of these names', async () => {
    const { db } = await connectForTest(await createEmptyDatabase())
    await db.execute(sql`CREATE TABLE memory_items (id integer)`)
    await expect(migrate(db)).rejects.toMatchObject({ code: 'migration_failed' })
    expect((await migrate(db, { schema: 'opa' })).applied.length).toBeGreaterThan(1)
  })
})

/** A service's own Drizzle project: one table, its own migrations and drizzle-kit's default ledger. */
function makeProject(): string {
  const folder = mkdtempSync(join(process.cwd(), '.project-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(
    join(folder, 'schema.ts'),
    `import { integer, pgTable } from 'drizzle-orm/pg-core'\nexport const invoices = pgTable('invoices', { id: integer('id').primaryKey() })\n`,
  )
  writeFileSync(
    join(folder, 'drizzle.config.ts'),
    `export default { dialect: 'postgresql', schema: '${folder}/schema.ts', out: '${folder}/drizzle', dbCredentials: { url: process.env.DATABASE_URL } }\n`,
  )
  return join(folder, 'drizzle.config.ts')
}

describe.skipIf('skipped' in inject('server'))('two projects in one database (server)', () => {
  const drizzleKit = (url: string, ...words: string[]) =>
    run('npx', ['drizzle-kit', ...words], { env: { ...process.env, DATABASE_URL: url } })

  it.each(['ours first', 'theirs first'])('are both applied, %s, whichever is older', async (order) => {
    const config = makeProject()
    await drizzleKit('postgres://none', 'generate', '--config', config)
    for (const older of [true, false]) {
      const url = await createEmptyDatabase()
      const { db } = await connectForTest(url)
      const theirs = () => drizzleKit(url, 'migrate', '--config', config)
      // The times that drizzle-kit compares: theirs is of today, ours of another day. So that it is the other way round too:
      if (older) {
        await db.execute(sql`CREATE SCHEMA drizzle`)
        await db.execute(
          sql`CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
        )
        await db.execute(
          sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('earlier', 1)`,
        )
      }
      const steps = [older ? () => migrate(db) : () => drizzleKit(url, 'migrate'), theirs]
      for (const step of order === 'ours first' ? steps : steps.reverse()) await step()
      expect(
        await queryRows(
          db,
          sql`SELECT to_regclass('invoices')::text AS one, to_regclass('jobs')::text AS other`,
        ),
      ).toEqual([{ one: 'invoices', other: 'jobs' }])
      await resetDatabase(db)
      await theirs()
      expect(await queryRows(db, sql`SELECT count(*)::int AS rows FROM invoices`)).toEqual([{ rows: 0 }])
      await migrate(db)
      await remember(db, { text: 'again' })
    }
  })

  it('drizzle-kit migrate installs into OPA_SCHEMA', async () => {
    const url = await createEmptyDatabase()
    await run('npx', ['drizzle-kit', 'migrate'], {
      env: { ...process.env, DATABASE_URL: url, OPA_SCHEMA: 'opa' },
    }).catch((error) => expect.fail(error.stdout))
    const { db, close } = await connect({ kind: 'server', url, schema: 'opa' })
    onTestFinished(close)
    expect((await migrate(db)).applied).toEqual([])
    await expectToWork(db, 'opa')
  })
})
