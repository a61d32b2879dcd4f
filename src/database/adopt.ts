import { sql } from 'drizzle-orm'
import { UnsupportedDatabaseError } from '../errors.ts'
import type { Database } from './database.ts'
import { queryRows, type Row } from './rows.ts'
import { quoteIdentifier } from './schema-name.ts'
import { derivedTables, enums, functions, ledgerHashes, tables, views } from './version-0-1-0.ts'

/** The ledger that drizzle-kit uses where nobody says otherwise, shared by every project of a database. */
const sharedLedger = 'drizzle.__drizzle_migrations'
/** Where the old tables are while their rows are copied. */
const aside = 'opa_before'

/**
 * Takes over a database of version 0.1.0, inside the transaction that migrates it: its tables are set aside, `install`
 * makes the new ones, and every row is copied. What others have is kept: their foreign keys to these tables are made
 * anew, roles that could read or write memories get `grant_reader` or `grant_service`, and of the shared ledger only our
 * own rows go. Indexes are built after the copy, which takes about as long as loading the rows did; the vector index is
 * then the default one (`useVectorIndex` for another).
 *
 * @returns whether there was such a database.
 * @throws UnsupportedDatabaseError for a database that is older than 0.1.0's last migration.
 */
export async function adoptOlderDatabase(db: Database, install: () => Promise<void>): Promise<boolean> {
  const entries = await sharedEntries(db)
  if (entries === 0) return false
  if (entries < ledgerHashes.length) {
    throw new UnsupportedDatabaseError(
      `this database has ${entries} of the ${ledgerHashes.length} migrations of opa-db 0.1.0: bring it up to date with that version first, then migrate again`,
    )
  }
  const before = await rememberWhatOthersMade(db)
  await setAside(db, before)
  await install()
  await withoutIndexes(db, async () => {
    for (const table of tables) await copyRows(db, table)
  })
  await db.execute(sql`SELECT public.rebuild_search_statistics()`)
  await restoreWhatOthersMade(db, before)
  await db.execute(sql.raw(`DROP TABLE ${tables.map((table) => `${aside}.${table}`).join(', ')}`))
  for (const name of enums) await db.execute(sql.raw(`DROP TYPE ${aside}.${name}`))
  await db.execute(sql.raw(`DROP SCHEMA ${aside}`))
  await leaveSharedLedger(db)
  return true
}

async function sharedEntries(db: Database): Promise<number> {
  const [found] = await queryRows(
    db,
    sql`SELECT to_regclass(${sharedLedger}::text) IS NOT NULL AND to_regclass('public.memory_items') IS NOT NULL AS there`,
  )
  if (found?.there !== true) return 0
  const [counted] = await queryRows(
    db,
    sql`SELECT count(DISTINCT hash)::int AS entries FROM ${sql.raw(sharedLedger)} WHERE hash = ANY (${hashes()})`,
  )
  return Number(counted?.entries)
}

function hashes() {
  return sql`${sql.param([...ledgerHashes])}::text[]`
}

interface OthersMade {
  readonly foreignKeys: Row[]
  readonly roles: Row[]
  readonly isIsolated: boolean
  readonly notifies: boolean
}

async function rememberWhatOthersMade(db: Database): Promise<OthersMade> {
  const ours = sql`ANY (${sql.param(tables.map((table) => `public.${table}`))}::text[]::regclass[])`
  const foreignKeys = await queryRows(
    db,
    sql`SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint WHERE contype = 'f' AND confrelid = ${ours} AND conrelid <> ALL (
          ARRAY(SELECT unnest(${sql.param(tables.map((table) => `public.${table}`))}::text[]::regclass[])))`,
  )
  const roles = await queryRows(
    db,
    sql`SELECT pg_get_userbyid(granted.grantee) AS role, bool_or(granted.privilege_type = 'INSERT') AS writes
        FROM pg_class AS memory, aclexplode(memory.relacl) AS granted
        WHERE memory.oid = 'public.memory_items'::regclass AND granted.grantee NOT IN (0, memory.relowner)
        GROUP BY 1 ORDER BY 1`,
  )
  const [state] = await queryRows(
    db,
    sql`SELECT relrowsecurity AS isolated,
          EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'public.jobs'::regclass AND tgname LIKE 'jobs_notify%') AS notifies
        FROM pg_class WHERE oid = 'public.memory_items'::regclass`,
  )
  return {
    foreignKeys,
    roles,
    isIsolated: state?.isolated === true,
    notifies: state?.notifies === true,
  }
}

async function restoreWhatOthersMade(db: Database, before: OthersMade): Promise<void> {
  for (const { table, name, definition } of before.foreignKeys) {
    await db.execute(
      sql.raw(`ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(String(name))} ${definition}`),
    )
  }
  for (const { role, writes } of before.roles) {
    await db.execute(
      sql`SELECT ${sql.raw(writes === true ? 'public.grant_service' : 'public.grant_reader')}(${role}::text)`,
    )
  }
  if (before.isIsolated) await db.execute(sql`SELECT public.enable_namespace_isolation()`)
  if (before.notifies) await db.execute(sql`SELECT public.set_job_notifications(true)`)
}

/** Nothing is dropped that somebody else's object depends on: PostgreSQL refuses, and names it. */
async function setAside(db: Database, { foreignKeys }: OthersMade): Promise<void> {
  const run = (statement: string) => db.execute(sql.raw(statement))
  for (const { table, name } of foreignKeys)
    await run(`ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(String(name))}`)
  await run(`CREATE SCHEMA ${aside}`)
  for (const view of views) await run(`DROP VIEW IF EXISTS public.${view}`)
  for (const table of [...tables, ...derivedTables]) {
    const triggers = await queryRows(
      db,
      sql`SELECT tgname AS name FROM pg_trigger WHERE tgrelid = ${`public.${table}`}::text::regclass AND NOT tgisinternal`,
    )
    for (const { name } of triggers)
      await run(`DROP TRIGGER ${quoteIdentifier(String(name))} ON public.${table}`)
  }
  for (const table of tables) {
    const policies = await queryRows(
      db,
      sql`SELECT polname AS name FROM pg_policy WHERE polrelid = ${`public.${table}`}::text::regclass`,
    )
    for (const { name } of policies)
      await run(`DROP POLICY ${quoteIdentifier(String(name))} ON public.${table}`)
    await run(`ALTER TABLE public.${table} DISABLE ROW LEVEL SECURITY`)
    // Copied without what is computed: the functions behind defaults and generated columns go.
    const computed = await queryRows(
      db,
      sql`SELECT attname AS name, attgenerated <> '' AS generated FROM pg_attribute
          WHERE attrelid = ${`public.${table}`}::text::regclass AND attnum > 0 AND NOT attisdropped AND atthasdef`,
    )
    for (const { name, generated } of computed) {
      const column = quoteIdentifier(String(name))
      await run(
        `ALTER TABLE public.${table} ${generated === true ? 'DROP COLUMN' : 'ALTER COLUMN'} ${column} ${generated === true ? '' : 'DROP DEFAULT'}`,
      )
    }
  }
  const known = await queryRows(
    db,
    sql`SELECT signature FROM unnest(${sql.param(functions.map((each) => `public.${each}`))}::text[]) AS signature
        WHERE to_regprocedure(signature) IS NOT NULL`,
  )
  await run(`DROP FUNCTION ${known.map(({ signature }) => String(signature)).join(', ')}`)
  await run(`DROP TABLE ${derivedTables.map((table) => `public.${table}`).join(', ')}`)
  for (const table of tables) await run(`ALTER TABLE public.${table} SET SCHEMA ${aside}`)
  for (const name of enums) await run(`ALTER TYPE public.${name} SET SCHEMA ${aside}`)
}

/** Columns that both have; by their text where the type is another. The triggers have nothing to say of old rows. */
async function copyRows(db: Database, table: string): Promise<void> {
  const place = await queryRows(
    db,
    sql`SELECT oid::regclass::text AS name, oid FROM pg_class
        WHERE relname = ${table}::text AND relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'public_opa'::regnamespace)`,
  )
  const target = String(place[0]?.name)
  const columns = await queryRows(
    db,
    sql`SELECT quote_ident(new.attname) AS name,
          CASE WHEN new.atttypid = old.atttypid THEN quote_ident(old.attname)
            ELSE format('%I::text::%s', old.attname, format_type(new.atttypid, new.atttypmod)) END AS value
        FROM pg_attribute AS new JOIN pg_attribute AS old ON old.attname = new.attname
        WHERE new.attrelid = ${target}::text::regclass AND old.attrelid = ${`${aside}.${table}`}::text::regclass
          AND new.attnum > 0 AND NOT new.attisdropped AND new.attgenerated = '' AND NOT old.attisdropped
        ORDER BY new.attnum`,
  )
  const list = (key: 'name' | 'value') => columns.map((column) => String(column[key])).join(', ')
  await db.execute(sql.raw(`ALTER TABLE ${target} DISABLE TRIGGER USER`))
  await db.execute(
    sql.raw(`INSERT INTO ${target} (${list('name')}) SELECT ${list('value')} FROM ${aside}.${table}`),
  )
  await db.execute(sql.raw(`ALTER TABLE ${target} ENABLE TRIGGER USER`))
}

/** An index that is built over all rows at once takes a tenth of the time of one that grows with them. */
async function withoutIndexes(db: Database, copy: () => Promise<void>): Promise<void> {
  const indexes = await queryRows(
    db,
    sql`SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
        WHERE indrelid = 'public.memory_items'::regclass AND NOT indisunique`,
  )
  for (const { name } of indexes) await db.execute(sql.raw(`DROP INDEX ${name}`))
  await copy()
  for (const { definition } of indexes) await db.execute(sql.raw(String(definition)))
}

/** Nobody else's row is touched; a ledger that was ours alone goes. */
async function leaveSharedLedger(db: Database): Promise<void> {
  await db.execute(sql`DELETE FROM ${sql.raw(sharedLedger)} WHERE hash = ANY (${hashes()})`)
  const left = await queryRows(db, sql`SELECT FROM ${sql.raw(sharedLedger)} LIMIT 1`)
  if (left.length > 0) return
  await db.execute(sql.raw(`DROP TABLE ${sharedLedger}`))
  const others = await queryRows(
    db,
    sql`SELECT FROM pg_class WHERE relnamespace = to_regnamespace('drizzle')::oid LIMIT 1`,
  )
  if (others.length === 0) await db.execute(sql.raw('DROP SCHEMA drizzle'))
}
