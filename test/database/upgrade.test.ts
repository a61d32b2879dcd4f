import { sql } from 'drizzle-orm'
import { describe, expect, inject, it } from 'vitest'
import { readCatalog } from '../../src/cli/golden.ts'
import { connect } from '../../src/database/connect.ts'
import type { Database } from '../../src/database/database.ts'
import { readMigrations } from '../../src/database/migrations.ts'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, claim, complete, jobAttempts, migrate, remember } from '../../src/index.ts'
import { asSuperuser, connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { exhaustiveSearch, expectExactStatistics, expectSameBest } from '../support/search-statistics.ts'
import { zipfRows, zipfWord } from '../support/zipf-corpus.ts'

/**
 * How many migrations there were: before keyword search kept statistics, with them, with rows for layer lexemes, and
 * before claims knew where a queue begins.
 */
const olds = { 'the foundation': 3, 'exact search': 6, 'layer lexemes': 8, 'faster claims': 11 }

async function migrateTo(db: Database, count: number): Promise<void> {
  await db.execute(sql`CREATE SCHEMA drizzle`)
  await db.execute(
    sql`CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
  )
  for (const migration of readMigrations().slice(0, count)) {
    await db.transaction(async (transaction) => {
      for (const statement of migration.sql) await transaction.execute(sql.raw(statement))
    })
    await db.execute(
      sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES (${migration.hash}, ${migration.folderMillis})`,
    )
  }
}

/** Plain statements: the helpers are those of this version, the database is not. The last ones stay in the log. */
async function writeOldRows(db: Database): Promise<void> {
  const rows = zipfRows(1500)
  await db.execute(sql`
    INSERT INTO memory_items (id, text, tags)
    SELECT row.id, row.text, ARRAY(SELECT json_array_elements_text(row.tags))
    FROM json_to_recordset(${JSON.stringify(rows)}::text::json) AS row (id text, text text, tags json)
  `)
  const long = Array.from({ length: 6000 }, (_, at) => zipfWord(at % 3000)).join(' ')
  await db.execute(sql`INSERT INTO memory_items (id, text) VALUES ('long', ${long.slice(0, 60_000)})`)
  await db.execute(sql`UPDATE memory_items SET text = text || ' again' WHERE id IN ('z1', 'z2')`)
  await db.execute(sql`DELETE FROM memory_items WHERE id IN ('z3', 'z4')`)
  await db.execute(
    sql`INSERT INTO memory_items (id, text) SELECT id || '-again', text FROM memory_items WHERE id < 'z11'`,
  )
}

/** A job that is done, one that was released once and is pending, one that is running. */
async function writeOldJobs(db: Database): Promise<void> {
  for (const [id, settle] of [
    ['done', sql`SELECT complete('done', 1, '{"found": 3}')`],
    ['released', sql`SELECT release('released', 1)`],
    ['running', sql`SELECT 1`],
  ] as const) {
    await db.execute(sql`SELECT enqueue('index', queue => ${id}::text, job_id => ${id}::text)`)
    await db.execute(sql`SELECT claim(${id}::text, 'worker', lease_seconds => 3600)`)
    await db.execute(settle)
  }
}

async function upgradeKeepsEverything(db: Database, count: number): Promise<void> {
  await migrateTo(db, count)
  await writeOldRows(db)
  await writeOldJobs(db)
  const kept = sql`SELECT id, text, tags::text, updated_at::text, lexeme_count FROM memory_items ORDER BY id`
  const keptJobs = sql`
    SELECT (to_jsonb(job) - 'backdated')::text AS job, (SELECT jsonb_agg(attempt)::text FROM job_attempts AS attempt WHERE job_id = id) AS attempts
    FROM jobs AS job ORDER BY id
  `
  // A session that has searched keeps plans with the functions of its day: it must go on after the upgrade.
  const searching = sql`SELECT id FROM bm25_search(${zipfWord(0)})`
  expect(await queryRows(db, searching)).toHaveLength(10)
  const before = await queryRows(db, kept)
  const jobsBefore = await queryRows(db, keptJobs)
  await migrate(db)
  expect(await queryRows(db, kept)).toEqual(before)
  expect(await queryRows(db, keptJobs)).toEqual(jobsBefore)
  expect(await complete(db, { id: 'done', leaseToken: 1 })).toBe('stale_lease')
  expect(await complete(db, { id: 'running', leaseToken: 1 })).toBe('ok')
  expect((await jobAttempts(db, { id: 'released' })).map(({ outcome }) => outcome)).toEqual(['released'])
  expect(await claim(db, { queue: 'released', workerId: 'worker' })).toMatchObject([
    { id: 'released', leaseToken: 2, backdated: false },
  ])
  await expectExactStatistics(db)
  expect(await queryRows(db, searching)).toHaveLength(10)
  const queries = [
    zipfWord(0),
    [1, 5, 30].map(zipfWord).join(' '),
    [0, 2, 8, 100, 700].map(zipfWord).join(' '),
  ]
  for (const queryText of queries) {
    for (const k of [1, 10, 1000]) {
      expectSameBest(await bm25Search(db, { queryText, k }), await exhaustiveSearch(db, { queryText, k }))
    }
  }
  await remember(db, { id: 'z1', text: 'a new text' })
  await expectExactStatistics(db)
  const storage = await queryRows(
    db,
    sql`
      SELECT count(*) FILTER (WHERE pg_column_compression(search_vector) IS NOT NULL)::int AS compressed,
        (SELECT reloptions::text FROM pg_class WHERE oid = 'memory_items'::regclass) AS options,
        (SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'memory_items'::regclass AND attname = 'search_vector') AS storage,
        to_regclass('memory_items_search_vector_idx') IS NOT NULL AS indexed
      FROM memory_items
    `,
  )
  expect(storage).toEqual([
    { compressed: 0, options: '{toast_tuple_target=8160}', storage: 'e', indexed: true },
  ])
}

describe.each(Object.entries(olds))('an upgrade from %s, with memories and jobs', (_, count) => {
  it('keeps every guarantee for the old rows, and equals a new database (embedded)', async () => {
    const [old, fresh] = await Promise.all(
      [0, 1].map(() => connect({ kind: 'embedded', dataDir: 'memory://' })),
    )
    if (old === undefined || fresh === undefined) throw new Error('expected two connections')
    await upgradeKeepsEverything(old.db, count)
    await migrate(fresh.db)
    expect(await readCatalog(old.db)).toBe(await readCatalog(fresh.db))
    await Promise.all([old.close(), fresh.close()])
  }, 120_000)

  it.skipIf('skipped' in inject('server'))(
    'does so on a server, for an owner who is no superuser',
    async () => {
      const url = await createEmptyDatabase({ as: 'owner' })
      await (await connectForTest(asSuperuser(url))).db.execute(sql`CREATE EXTENSION vector`)
      const { db } = await connectForTest(url)
      await upgradeKeepsEverything(db, count)
    },
    120_000,
  )
})
