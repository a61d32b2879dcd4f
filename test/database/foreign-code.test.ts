import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  foldSearchStatistics,
  forget,
  hybridSearch,
  rebuildSearchStatistics,
  remember,
  rememberMany,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { embedding } from '../support/fixtures.ts'
import { installation } from '../support/installation.ts'
import { actingAs, roleName } from '../support/roles.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'

const [attacker, service] = [roleName('attacker'), roleName('service')]
const types = [
  'text',
  'bigint',
  'integer',
  'numeric',
  'double precision',
  'real',
  'tsvector',
  'xid8',
  'oid',
  'name',
  '"char"',
]
const operators = ['=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '||', '@@']

/**
 * Functions of an attacker with exactly the arguments for which PostgreSQL's own have only "any" types, or would have to
 * convert: these are chosen wherever their schema is in the path, be it the last. They fail where the owner runs them.
 */
async function shadowEverything(db: Parameters<typeof queryRows>[0], owner: string): Promise<number> {
  const guard = (call: string) =>
    `BEGIN IF current_user = '${owner}' THEN RAISE EXCEPTION 'foreign code runs as the owner'; END IF; RETURN ${call}; END`
  const functions = await queryRows(
    db,
    sql`SELECT DISTINCT p.proname AS name, p.oidvectortypes AS arguments, p.result FROM (
          SELECT proname, oidvectortypes(proargtypes), format_type(prorettype, NULL) AS result FROM pg_proc
          WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset AND pronargs BETWEEN 1 AND 3 AND provariadic = 0
        ) AS p WHERE p.oidvectortypes ~ '^[a-z, \\[\\]]*any(array|element|compatiblearray|compatible)' AND p.oidvectortypes !~ 'range|enum|nonarray|"any"'`,
  )
  let made = 0
  for (const { name, arguments: kinds, result } of functions) {
    for (const type of types) {
      const typed = (text: unknown) =>
        String(text)
          .replace(/any(compatible)?array/g, `${type}[]`)
          .replace(/anyelement|anycompatible/g, type)
      const count = String(kinds).split(', ').length
      const given = Array.from({ length: count }, (_, at) => `$${at + 1}`).join(', ')
      const create = `CREATE FUNCTION ${installation.schema}.${name}(${typed(kinds)}) RETURNS ${typed(result)} LANGUAGE plpgsql AS $f$ ${guard(`pg_catalog.${name}(${given})`)} $f$`
      await db.execute(
        sql.raw(`DO $$ BEGIN ${create.replaceAll('$$', '$d$')}; EXCEPTION WHEN others THEN NULL; END $$`),
      )
      made += 1
    }
  }
  for (const operator of operators) {
    for (const [at, left] of types.entries()) {
      for (const right of [...types.slice(at + 1), ...types.slice(0, at)]) {
        const name = `shadow_${made}`
        const result = ['+', '-', '*', '/'].includes(operator) ? left : operator === '||' ? 'text' : 'boolean'
        await db.execute(
          sql.raw(`DO $$ BEGIN
            CREATE FUNCTION ${installation.schema}.${name}(${left}, ${right}) RETURNS ${result} LANGUAGE plpgsql AS $f$ ${guard('NULL')} $f$;
            CREATE OPERATOR ${installation.schema}.${operator} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = ${installation.schema}.${name});
            EXCEPTION WHEN others THEN NULL; END $$`),
        )
        made += 1
      }
    }
  }
  return made
}

describeOnServer('functions and operators of somebody who may create in the schema', (server) => {
  const as = actingAs(server)

  beforeAll(async () => {
    for (const role of [attacker, service])
      await server.db.execute(sql.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`))
    await server.db.execute(sql`SELECT grant_service(${service}::text)`)
    await server.db.execute(sql.raw(`GRANT USAGE, CREATE ON SCHEMA ${installation.schema} TO ${attacker}`))
    const [owner] = await queryRows(server.db, sql`SELECT current_user AS name`)
    await as(attacker, async (db) => {
      expect(await shadowEverything(db, String(owner?.name))).toBeGreaterThan(500)
    })
    const [made] = await queryRows(
      server.db,
      sql`SELECT (SELECT count(*)::int FROM pg_proc WHERE proowner = ${attacker}::text::regrole) AS functions,
            (SELECT count(*)::int FROM pg_operator WHERE oprowner = ${attacker}::text::regrole) AS operators`,
    )
    expect(Number(made?.functions)).toBeGreaterThan(200)
    expect(Number(made?.operators)).toBeGreaterThan(200)
  })
  afterAll(async () => {
    await server.db.execute(sql`SELECT revoke_rights(${service}::text)`)
    for (const role of [attacker, service]) {
      await server.db.execute(sql.raw(`DROP OWNED BY ${role} CASCADE`))
      await server.db.execute(sql.raw(`DROP ROLE ${role}`))
    }
  })

  it('never run as the owner when others search and write', async () => {
    await as(service, async (db) => {
      await remember(db, { id: 'one', text: 'window seat', embedding: embedding(1) })
      await rememberMany(db, {
        items: Array.from({ length: 300 }, (_, at) => ({
          id: `m${at}`,
          text: `window number ${at}`,
          tags: ['a'],
        })),
      })
      // What the caller's own rights run may meet the shadows, which is the caller's affair; nothing runs as the owner.
      for (const search of [
        () => bm25Search(db, { queryText: 'windw number' }),
        () =>
          hybridSearch(db, {
            queryText: 'seat',
            queryEmbedding: embedding(1),
            filter: { namespace: 'default' },
          }),
        () => foldSearchStatistics(db),
        () => forget(db, { ids: ['m1', 'm2'] }),
      ]) {
        await expect(search().then(String, String)).resolves.not.toContain('as the owner')
      }
    })
    await expectExactStatistics(server.db)
  })

  it('are refused company by grants that let others run the job functions', async () => {
    await expect(
      server.db.execute(sql`SELECT grant_worker(${service}::text)`).then(
        () => 'granted',
        (error) => `${error.cause?.message ?? error.message}`,
      ),
    ).resolves.toContain('CREATE is granted in schema')
  })

  it('do not run in a rebuild either', async () => {
    await expect(rebuildSearchStatistics(server.db).then(String, String)).resolves.not.toContain(
      'as the owner',
    )
  })
})
