import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  type Database,
  DatabaseError,
  disableNamespaceIsolation,
  enableNamespaceIsolation,
  grantNamespaces,
  InvalidInputError,
  listMemories,
  rememberMany,
  revokeNamespaces,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal, idsOf } from '../support/fixtures.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'

const all = 'SELECT, INSERT, UPDATE, DELETE'

describeOnEachBackend('the switch of namespace isolation, and who was given what', (test) => {
  const ana = roleName('ana')
  const team = roleName('team')
  const nobody = roleName('nobody')
  const as = actingAs(test)
  const asked = { queryText: 'green', k: 100 }

  beforeAll(async () => {
    await createRoles(test.db, { [ana]: all, [team]: 'SELECT', [nobody]: all })
    const items = ['a1 ana', 'a2 ana', 'a3 ana', 'b1 bob', 'b2 bob', 'c1 carl'].map((row) => {
      const [id = '', namespace = ''] = row.split(' ')
      return { id, namespace, text: id === 'c1' ? 'a green xylophone' : 'green tea' }
    })
    await rememberMany(test.db, { items })
  })
  afterAll(() => dropRoles(test.db, [ana, team, nobody]))

  const state = () =>
    queryRows(
      test.db,
      sql`
        SELECT relname AS name, relrowsecurity AS on, (SELECT count(*)::integer FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
        FROM pg_class WHERE relname IN ('memory_items', 'namespace_roles') ORDER BY relname
      `,
    )
  const off = [
    { name: 'memory_items', on: false, policies: 0 },
    { name: 'namespace_roles', on: false, policies: 0 },
  ]

  it('is off by default, and nobody but the owner can read or write who was given what', async () => {
    expect(await state()).toEqual(off)
    expect(await as(ana, (db) => bm25Search(db, asked))).toHaveLength(6)
    const read = (db: Database) => queryRows(db, sql`SELECT * FROM namespace_roles`)
    await expectRefusal(as(ana, read), DatabaseError, 'permission denied')
    await enableNamespaceIsolation(test.db, { roles: { [ana]: ['ana'], [team]: ['ana', 'bob'] } })
    expect(await state()).toEqual(off.map((table) => ({ ...table, on: true, policies: 1 })))
  })

  it('is for the owner to turn on and off, and to say who sees what', async () => {
    const denied = (work: (db: Database) => Promise<unknown>) =>
      expectRefusal(as(ana, work), DatabaseError, /permission denied|must be owner/)
    await denied((db) => grantNamespaces(db, { role: ana, namespaces: ['bob'] }))
    await denied((db) => revokeNamespaces(db, { role: team }))
    await denied((db) =>
      queryRows(db, sql`INSERT INTO namespace_roles SELECT role, 'bob' FROM namespace_roles`),
    )
    await denied((db) => queryRows(db, sql`UPDATE namespace_roles SET namespace = 'bob'`))
    await denied((db) => disableNamespaceIsolation(db))
    await denied((db) => enableNamespaceIsolation(db))
    await denied((db) => queryRows(db, sql`ALTER TABLE memory_items DISABLE ROW LEVEL SECURITY`))
    await denied((db) => queryRows(db, sql`DROP POLICY memory_items_namespace ON memory_items`))
    await denied((db) => queryRows(db, sql`TRUNCATE memory_items`))
    expect(await as(ana, (db) => bm25Search(db, asked))).toHaveLength(3)
  })

  it('gives and takes namespaces, at once, and says how many', async () => {
    expect(await grantNamespaces(test.db, { role: nobody, namespaces: ['ana', 'ana', 'carl'] })).toBe(2)
    expect(await grantNamespaces(test.db, { role: nobody, namespaces: ['carl', 'bob'] })).toBe(1)
    expect(await as(nobody, (db) => bm25Search(db, asked))).toHaveLength(6)
    expect(await revokeNamespaces(test.db, { role: nobody, namespaces: ['bob', 'else'] })).toBe(1)
    expect(await as(nobody, (db) => bm25Search(db, asked))).toHaveLength(4)
    expect(await revokeNamespaces(test.db, { role: nobody })).toBe(2)
    expect(await as(nobody, (db) => bm25Search(db, asked))).toEqual([])
  })

  it.each<[string, unknown, string[]]>([
    [
      'a role that is not there',
      { role: 'no such role', namespaces: [] },
      ['grantNamespaces', 'no such role'],
    ],
    [
      'an injection as a role',
      { role: `${ana}"; DROP TABLE memory_items; --`, namespaces: [] },
      ['DROP TABLE'],
    ],
    ['no role', { namespaces: ['ana'] }, ['role must be a string', 'undefined']],
    ['PUBLIC', { role: 'public', namespaces: ['ana'] }, ['"public"']],
    ['a namespace of null', { role: ana, namespaces: [null] }, ['namespaces[0]', 'null']],
    ['an empty namespace', { role: ana, namespaces: [''] }, ['namespaces[0]', 'from 1 to 1024']],
    ['no namespaces', { role: ana }, ['namespaces must be an array']],
  ])('refuses %s', async (_, options, parts) => {
    await expectRefusal(() => grantNamespaces(test.db, options as never), InvalidInputError, ...parts)
  })

  it('forgets what a role had when the role is dropped', async () => {
    const brief = roleName('Brief one').replaceAll(' ', '_')
    await createRoles(test.db, { [`"${brief}"`]: 'SELECT' })
    expect(await grantNamespaces(test.db, { role: brief, namespaces: ['ana'] })).toBe(1)
    await dropRoles(test.db, [`"${brief}"`])
    await createRoles(test.db, { [`"${brief}"`]: 'SELECT' })
    try {
      expect(
        await as(`"${brief}"`.replaceAll('"', test.backend === 'embedded' ? '"' : ''), (db) =>
          listMemories(db),
        ),
      ).toMatchObject({ items: [] })
    } finally {
      await dropRoles(test.db, [`"${brief}"`])
    }
  })

  it('can be turned off, and on again with what was given', async () => {
    await enableNamespaceIsolation(test.db)
    await disableNamespaceIsolation(test.db)
    expect((await as(ana, (db) => bm25Search(db, asked))).length).toBe(6)
    expect(idsOf(await as(ana, (db) => bm25Search(db, { queryText: 'xylophonne' })))).toEqual(['c1'])
    await disableNamespaceIsolation(test.db)
    await enableNamespaceIsolation(test.db)
    expect(await as(ana, (db) => bm25Search(db, asked))).toHaveLength(3)
    // A policy of somebody else's keeps row-level security on.
    await test.db.execute(sql`CREATE POLICY another ON memory_items USING (id = 'c1')`)
    await disableNamespaceIsolation(test.db)
    expect(idsOf(await as(ana, (db) => bm25Search(db, asked)))).toEqual(['c1'])
    await test.db.execute(sql`DROP POLICY another ON memory_items`)
    await disableNamespaceIsolation(test.db)
    expect(await state()).toEqual(off)
  })
})
