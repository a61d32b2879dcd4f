import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { resetDatabase } from '../../src/database/reset.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  type Database,
  enableNamespaceIsolation,
  grantNamespaces,
  hybridSearch,
  migrate,
  remember,
  useVectorIndex,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { insertClusters } from '../support/clusters.ts'
import { asSuperuser, connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { idsOf } from '../support/fixtures.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'

describeOnServer('a large table under namespace isolation', (server) => {
  const rows = 9000
  const counts = { half: rows / 2, tenth: rows / 10, hundredth: rows / 100 }
  const roles = Object.fromEntries(Object.keys(counts).map((name) => [name, roleName(name)]))
  const as = actingAs(server)

  beforeAll(async () => {
    await insertClusters(server.db, rows)
    await server.db.execute(sql`
      UPDATE memory_items SET namespace = CASE
        WHEN substr(id, 2)::integer % 2 = 0 THEN 'half' WHEN substr(id, 2)::integer % 10 = 1 THEN 'tenth'
        WHEN substr(id, 2)::integer % 100 = 3 THEN 'hundredth' ELSE 'rest' END
    `)
    await createRoles(server.db, Object.fromEntries(Object.values(roles).map((role) => [role, 'SELECT'])))
    await enableNamespaceIsolation(server.db)
    for (const [name, role] of Object.entries(roles)) {
      await grantNamespaces(server.db, { role, namespaces: [name, 'nowhere'] })
    }
  })
  afterAll(() => dropRoles(server.db, Object.values(roles)))

  it.each(['hnsw', 'ivfflat', 'none'] as const)('finds k rows whenever k match (%s)', async (method) => {
    await useVectorIndex(server.db, method, method === 'ivfflat' ? { lists: 40 } : {})
    await server.db.execute(sql`ANALYZE memory_items`)
    let [shared, total] = [0, 0]
    for (const [namespace, role] of Object.entries(roles)) {
      const own = counts[namespace as keyof typeof counts]
      for (const [seed, k] of [1, 100, 1000, 10, 10, 10].entries()) {
        const asked = {
          queryText: 'memory',
          queryEmbedding: await storedVector(server.db, 1 + seed * 379),
          k,
        }
        // What a filter finds is what isolation finds: the recall is that of vector_search.
        const filtered = { ...asked, filter: { namespace } }
        const nearest = await as(role, (db) => vectorSearch(db, asked))
        expect(nearest).toHaveLength(Math.min(k, own))
        expect(nearest).toEqual(await vectorSearch(server.db, filtered))
        const keyword = await as(role, (db) => bm25Search(db, asked))
        expect(keyword).toHaveLength(Math.min(k, own))
        expect(keyword).toEqual(await bm25Search(server.db, filtered))
        const both = await as(role, (db) => hybridSearch(db, asked))
        expect(both).toHaveLength(Math.min(k, own))
        // The vector retriever's candidates may come from a scan here and from the index there, to within its recall.
        const owners = new Set(idsOf(await hybridSearch(server.db, filtered)))
        shared += idsOf(both).filter((id) => owners.has(id)).length
        total += both.length
      }
    }
    expect(shared / total).toBeGreaterThan(0.97)
  })

  async function storedVector(db: Database, number: number): Promise<number[]> {
    const [row] = await queryRows(
      db,
      sql`SELECT embedding::text AS vector FROM memory_items WHERE id = ${`m${number}`}`,
    )
    return JSON.parse(String(row?.vector)) as number[]
  }
})

describeOnServer('namespace isolation and an owner who is no superuser', () => {
  it('isolates its own database, and can still drop it all', async () => {
    const url = await createEmptyDatabase({ as: 'owner' })
    const admin = await connectForTest(asSuperuser(url))
    await admin.db.execute(sql`CREATE EXTENSION vector`)
    await admin.db.execute(sql.raw('GRANT ALL ON SCHEMA public TO PUBLIC'))
    const { db } = await connectForTest(url)
    await migrate(db)
    await enableNamespaceIsolation(db)
    await enableNamespaceIsolation(db)
    const { id } = await remember(db, { namespace: 'any', text: 'the owner sees all' })
    expect(idsOf(await bm25Search(db, { queryText: 'ownerr' }))).toEqual([id])
    const dropped = await resetDatabase(db)
    expect(dropped.join()).toContain('namespace_roles')
    await migrate(db)
    expect(await db.execute(sql`SELECT FROM memory_items`)).toHaveLength(0)
  })
})
