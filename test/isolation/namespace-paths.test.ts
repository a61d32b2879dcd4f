import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'
import {
  bm25Search,
  DatabaseError,
  disableNamespaceIsolation,
  enableNamespaceIsolation,
  forget,
  grantNamespaces,
  hybridSearch,
  listMemories,
  memoryHistory,
  namespacedId,
  remember,
  rememberMany,
  revokeNamespaces,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'
import { installation } from '../support/installation.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'

describeOnEachBackend('namespaces as paths under isolation', (test) => {
  const tenant = roleName('tenant')
  const behind = sql.identifier(internalSchema(installation.schema))
  const as = actingAs(test)
  const namespaces = [
    'users/ana',
    'users/ana/trips',
    'users/ana/trips/2026',
    'users/anabel',
    'users',
    'users/an',
    'USERS/ANA',
  ]

  beforeAll(async () => {
    await createRoles(test.db, { [tenant]: 'SELECT, INSERT, UPDATE, DELETE' })
    await rememberMany(test.db, {
      items: namespaces.map((namespace) => ({
        id: namespace,
        namespace,
        text: 'secret words',
        embedding: embedding(1),
      })),
    })
    await test.db.execute(sql`UPDATE memory_items SET importance = 0.25`)
    await enableNamespaceIsolation(test.db)
  })
  afterAll(() => dropRoles(test.db, [tenant]))

  /** What the role finds, by each search and without one. */
  async function found(filter = {}): Promise<string[]> {
    return as(tenant, async (db) => {
      const asked = { queryText: 'words', queryEmbedding: embedding(1), filter }
      const lists = [
        await bm25Search(db, asked),
        await hybridSearch(db, asked),
        await vectorSearch(db, asked),
        (await listMemories(db, { filter })).items,
      ].map((rows) => idsOf(rows).sort())
      for (const list of lists) expect(list).toEqual(lists[0])
      return lists[0] as string[]
    })
  }

  it('gives what is below a path, exact at the separator, where that was granted', async () => {
    await grantNamespaces(test.db, { role: tenant, namespaces: ['users/ana'] })
    expect(await found()).toEqual(['users/ana'])
    expect(await grantNamespaces(test.db, { role: tenant, namespaces: ['users/ana'], below: true })).toBe(1)
    expect(await grantNamespaces(test.db, { role: tenant, namespaces: ['users/ana'] })).toBe(0)
    expect(await found()).toEqual(['users/ana', 'users/ana/trips', 'users/ana/trips/2026'])
    expect(await found({ namespace: 'users/ana/trips' })).toEqual(['users/ana/trips'])
    expect(await found({ namespaceUnder: 'users/ana/trips' })).toEqual([
      'users/ana/trips',
      'users/ana/trips/2026',
    ])
    for (const filter of [
      { namespace: 'users/anabel' },
      { namespaces: ['users', 'users/an'] },
      { ids: ['users/anabel'] },
    ]) {
      expect(await found(filter)).toEqual([])
    }
    await as(tenant, async (db) => {
      const { id } = await remember(db, { namespace: 'users/ana/new', text: 'may be written' })
      expect(await forget(db, { ids: [id] })).toEqual([id])
      await expectRefusal(
        remember(db, { namespace: 'users/anabel', text: 'may not' }),
        DatabaseError,
        'row-level security',
      )
      expect(await memoryHistory(db, { id: 'users/anabel' })).toBeNull()
      const history = await queryRows(
        db,
        sql`SELECT memory_id FROM memory_history_of(${sql.raw(`ARRAY['users/ana','users/anabel','users']`)})`,
      )
      expect(history).toEqual([{ memory_id: 'users/ana' }])
    })
  })

  it('widens nothing by a filter of the caller’s own, nor by the function behind', async () => {
    const granted = { granted: { namespaces, below: ['users', ''] } }
    const all = await found()
    expect(await found(granted as object)).toEqual(all)
    await as(tenant, async (db) => {
      const filter = JSON.stringify({ ...granted, namespace: 'users/anabel' })
      const rows = await queryRows(
        db,
        sql`SELECT id FROM ${behind}.bm25_search_by_grants('words', '{}', 100, ${filter}::text::jsonb)`,
      )
      expect(rows).toEqual([])
    })
  })

  it('lets nobody take the names of memories of another namespace', async () => {
    await as(tenant, async (db) => {
      for (const namespace of ['users/anabel', 'nobody’s', 'ü']) {
        await expectRefusal(
          remember(db, { namespace: 'users/ana', id: namespacedId(namespace, 'profile'), text: 'squatted' }),
          DatabaseError,
          'row-level security',
        )
      }
      const own = ['12:30 meeting', '5:ab/c', '0:/x', namespacedId('users/ana', 'a/b')]
      for (const id of own) await remember(db, { namespace: 'users/ana', id, text: 'one’s own' })
      expect((await forget(db, { ids: own })).sort()).toEqual(own.sort())
    })
  })

  it('gives nobody the rights of the owner who is not isolated alone, or may not read', async () => {
    const other = roleName('other')
    await createRoles(test.db, { [other]: 'SELECT' })
    await grantNamespaces(test.db, { role: other, namespaces: ['users'] })
    await test.db.execute(sql.raw(`REVOKE SELECT ON memory_items FROM ${other}`))
    await as(other, (db) =>
      expectRefusal(bm25Search(db, { queryText: 'words' }), DatabaseError, 'permission denied'),
    )
    const direct = (db: Parameters<typeof queryRows>[0]) =>
      queryRows(db, sql`SELECT id FROM ${behind}.bm25_search_by_grants('words', '{}', 100, '{}')`)
    await as(other, (db) => expectRefusal(direct(db), DatabaseError, 'permission denied'))
    // A policy of the operator's own counts, by every way.
    await test.db.execute(
      sql`CREATE POLICY not_trips ON memory_items AS RESTRICTIVE USING (namespace NOT LIKE '%trips%')`,
    )
    expect(await found()).toEqual(['users/ana'])
    await as(tenant, (db) => expectRefusal(direct(db), DatabaseError, 'permission denied'))
    await test.db.execute(sql`DROP POLICY not_trips ON memory_items`)
    await dropRoles(test.db, [other])
  })

  it('is undone by revoking, and by turning isolation off', async () => {
    await revokeNamespaces(test.db, { role: tenant, namespaces: ['users/ana'] })
    expect(await found()).toEqual([])
    await disableNamespaceIsolation(test.db)
    expect(await found()).toHaveLength(namespaces.length)
  })
})
