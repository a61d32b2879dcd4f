import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Score,
  bm25Search,
  type Database,
  DatabaseError,
  embedPending,
  enableNamespaceIsolation,
  explainSearch,
  forget,
  getMemory,
  highlight,
  hybridSearch,
  listMemories,
  memoryId,
  pruneExpired,
  recall,
  remember,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'

const all = 'SELECT, INSERT, UPDATE, DELETE'
const bobs = memoryId('bob', 'green tea at noon', [])

describeOnEachBackend('namespace isolation', (test) => {
  const ana = roleName('ana')
  const team = roleName('team')
  const nobody = roleName('nobody')
  const as = actingAs(test)

  beforeAll(async () => {
    await createRoles(test.db, { [ana]: all, [team]: 'SELECT', [nobody]: all })
    const past = new Date('2000-01-01')
    await rememberMany(test.db, {
      items: [
        { id: 'a1', namespace: 'ana', text: 'green tea', embedding: embedding(1), tags: ['drink'] },
        { id: 'a2', namespace: 'ana', text: 'green green window', embedding: embedding(2), importance: 1 },
        { id: 'a3', namespace: 'ana', text: 'a green thing without a vector' },
        { id: 'a4', namespace: 'ana', text: 'green but gone', embedding: embedding(1), expiresAt: past },
        { id: 'b1', namespace: 'bob', text: 'green tea green tea', embedding: embedding(1), tags: ['drink'] },
        { id: bobs, namespace: 'bob', text: 'green tea at noon', embedding: embedding(3) },
        { id: 'b2', namespace: 'bob', text: 'green but gone', expiresAt: past },
        { id: 'c1', namespace: 'carl', text: 'a green xylophone', embedding: embedding(4) },
      ],
    })
    await enableNamespaceIsolation(test.db, { roles: { [ana]: ['ana'], [team]: ['ana', 'bob'] } })
  })
  afterAll(() => dropRoles(test.db, [ana, team, nobody]))

  const asked = { queryText: 'green', queryEmbedding: embedding(1), k: 100 }

  it('lets every function find and show only what the role was given', async () => {
    const own: Record<string, string[]> = {
      [ana]: ['a1', 'a2', 'a3'],
      [team]: ['a1', 'a2', 'a3', 'b1', bobs].sort(),
      [nobody]: [],
    }
    for (const [role, ids] of Object.entries(own)) {
      const withVector = ids.filter((id) => id !== 'a3')
      const found = <T extends { id: string }>(search: (db: Database) => Promise<T[]>) =>
        as(role, search).then((rows) => idsOf(rows).sort())
      expect(await found((db) => bm25Search(db, asked))).toEqual(ids)
      expect(await found((db) => vectorSearch(db, asked))).toEqual(withVector)
      expect(await found((db) => hybridSearch(db, asked))).toEqual(ids)
      expect(await found((db) => hybridSearch(db, { ...asked, fusion: 'rrf' }))).toEqual(ids)
      const options = { recency: 30, importance: true, candidates: 200 }
      expect(await found((db) => hybridSearch(db, { ...asked, filter: options }))).toEqual(ids)
      expect(
        await found((db) => hybridSearch(db, { ...asked, filter: { ...options, diversity: 0.5 } })),
      ).toEqual(ids)
      expect(await found((db) => recall(db, { question: 'green', k: 100 }))).toEqual(ids)
      expect(await found(async (db) => (await explainSearch(db, asked)).results)).toEqual(ids)
      expect(await found(async (db) => (await listMemories(db)).items)).toEqual(ids)
      for (const id of ['a1', 'b1', 'c1', bobs]) {
        const shown = await as(role, (db) => getMemory(db, { id }))
        expect(shown?.id ?? null).toBe(ids.includes(id) ? id : null)
      }
    }
  })

  it('is not widened by any filter', async () => {
    for (const filter of [
      { namespace: 'bob' },
      { ids: ['b1', 'c1', bobs] },
      { namespace: 'carl', ids: ['c1'] },
      { after: { score: 1e300, id: '' }, ids: ['b1'] },
    ]) {
      expect(await as(ana, (db) => bm25Search(db, { ...asked, filter }))).toEqual([])
      expect(await as(ana, (db) => vectorSearch(db, { ...asked, filter }))).toEqual([])
      expect(await as(ana, (db) => hybridSearch(db, { ...asked, filter }))).toEqual([])
    }
    const page = { recency: 1, after: { score: 1e-6, id: 'c1' } }
    expect(idsOf(await as(ana, (db) => hybridSearch(db, { ...asked, filter: page })))).not.toContain('c1')
  })

  it('scores by the statistics of all namespaces, as a filter on the namespace does', async () => {
    const filter = { namespace: 'ana' }
    const { results, ...how } = await explainSearch(test.db, { ...asked, filter })
    expect(await as(ana, (db) => bm25Search(db, asked))).toEqual(
      await bm25Search(test.db, { ...asked, filter }),
    )
    expect(await as(ana, (db) => vectorSearch(db, asked))).toEqual(
      await vectorSearch(test.db, { ...asked, filter }),
    )
    for (const fusion of ['convex', 'rrf'] as const) {
      expect(await as(ana, (db) => hybridSearch(db, { ...asked, fusion }))).toEqual(
        await hybridSearch(test.db, { ...asked, fusion, filter }),
      )
    }
    const explained = await as(ana, (db) => explainSearch(db, asked))
    expect(explained.results).toEqual(results)
    expect(explained).toMatchObject({ documents: how.documents, lexemes: how.lexemes })
    const score = { queryText: 'green', docText: 'green' }
    expect(await as(ana, (db) => bm25Score(db, score))).toBe(await bm25Score(test.db, score))
  })

  it('corrects no typing errors, because the word may be of another namespace', async () => {
    const typo = { queryText: 'xylophon3s xylophonne' }
    expect(idsOf(await bm25Search(test.db, typo))).toEqual(['c1'])
    expect(await as(ana, (db) => bm25Search(db, typo))).toEqual([])
    expect(await as(ana, (db) => bm25Search(db, { queryText: 'grean' }))).toEqual([])
    const marked = { text: 'a xylophone', queryText: 'xylophonne' }
    expect(await highlight(test.db, marked)).toContain('<b>')
    expect(await as(ana, (db) => highlight(db, marked))).toBe('a xylophone')
    const [asOne] = await as(ana, (db) =>
      queryRows(db, sql`SELECT (nearest_lexemes('xylophonne', 'xylophonne'))[1] AS word`),
    )
    expect(asOne?.word).toBeNull()
    const [asOwner] = await queryRows(
      test.db,
      sql`SELECT (nearest_lexemes('xylophonne', 'xylophonne'))[1] AS word`,
    )
    expect(asOwner?.word).toBe('xylophon')
  })

  it('lets a role write, forget and maintain its own memories', async () => {
    const { id, created } = await as(ana, (db) => remember(db, { namespace: 'ana', text: 'own words' }))
    expect(created).toBe(true)
    // The id is the hash of other words by now, and stays the row's.
    await as(ana, (db) => remember(db, { id, namespace: 'ana', text: 'other words', tags: ['kept'] }))
    await as(ana, (db) => queryRows(db, sql`UPDATE memory_items SET tags = '{moved}' WHERE id = ${id}`))
    expect(await as(ana, (db) => getMemory(db, { id }))).toMatchObject({
      text: 'other words',
      tags: ['moved'],
    })
    const embedder = {
      model: 'constant',
      dimensions,
      embed: async (texts: readonly string[]) => texts.map(() => Float32Array.from(embedding(7))),
    }
    const pending = await as(ana, (db) => embedPending(db, embedder))
    expect(pending).toMatchObject({ embedded: 2, failed: [] })
    expect(await as(ana, (db) => pruneExpired(db))).toBe(1)
    expect(await as(ana, (db) => forget(db, { ids: [id, 'b1', 'c1'] }))).toEqual([id])
    expect(await getMemory(test.db, { id: 'b1' })).toMatchObject({ namespace: 'bob' })
    expect(await getMemory(test.db, { id: 'b2' })).toMatchObject({ namespace: 'bob' })
    await expectExactStatistics(test.db)
  })

  it('refuses to write into another namespace, or to move a memory there', async () => {
    const refused = (work: (db: Database) => Promise<unknown>) =>
      expectRefusal(as(ana, work), DatabaseError, 'row-level security')
    await refused((db) => remember(db, { namespace: 'bob', text: 'planted' }))
    await refused((db) => remember(db, { text: 'planted in default' }))
    await refused((db) =>
      rememberMany(db, {
        items: [
          { namespace: 'ana', text: 'x' },
          { namespace: 'bob', text: 'x' },
        ],
      }),
    )
    await refused((db) => queryRows(db, sql`UPDATE memory_items SET namespace = 'bob' WHERE id = 'a1'`))
    await refused((db) => remember(db, { id: 'b1', namespace: 'ana', text: 'taken over' }))
    await as(ana, (db) =>
      queryRows(db, sql`UPDATE memory_items SET text = 'changed' WHERE namespace = 'bob'`),
    )
    await expectRefusal(
      as(nobody, (db) => remember(db, { namespace: 'ana', text: 'x' })),
      DatabaseError,
      'row-level security',
    )
    expect(await getMemory(test.db, { id: 'b1' })).toMatchObject({
      namespace: 'bob',
      text: 'green tea green tea',
    })
    expect(await as(ana, (db) => listMemories(db))).toHaveProperty('items.length', 3)
  })

  it('lets a role move a memory between its own namespaces', async () => {
    await test.db.execute(sql.raw(`GRANT UPDATE ON memory_items TO ${team}`))
    const move = (namespace: string) =>
      as(team, (db) => queryRows(db, sql`UPDATE memory_items SET namespace = ${namespace} WHERE id = 'a1'`))
    await move('bob')
    expect(await as(ana, (db) => getMemory(db, { id: 'a1' }))).toBeNull()
    await move('ana')
    expect(await as(ana, (db) => getMemory(db, { id: 'a1' }))).toMatchObject({ text: 'green tea' })
  })

  it('does not tell whether a guessed memory is in another namespace', async () => {
    const wrong = memoryId('bob', 'coffee at noon', [])
    const messages: string[] = []
    for (const guess of [bobs, wrong]) {
      const attempts = [
        (db: Database) => remember(db, { id: guess, namespace: 'ana', text: 'guess' }),
        (db: Database) =>
          queryRows(
            db,
            sql`INSERT INTO memory_items (id, namespace, text) VALUES (${guess}, 'ana', 'guess')`,
          ),
        (db: Database) => queryRows(db, sql`UPDATE memory_items SET id = ${guess} WHERE id = 'a1'`),
      ]
      const refusals: string[] = []
      for (const attempt of attempts) {
        const refusal = await expectRefusal(
          as<unknown>(ana, attempt),
          DatabaseError,
          'new row violates row-level security',
        )
        refusals.push(refusal.message)
      }
      messages.push(refusals.join())
    }
    expect(messages[0]).toBe(messages[1])
  })

  it('does not let the WHERE of an upsert look into a memory of another namespace', async () => {
    const messages: string[] = []
    for (const guess of ['green tea%', 'something else%']) {
      const upsert = sql`
        INSERT INTO memory_items AS m (id, namespace, text) VALUES ('b1', 'ana', 'x')
        ON CONFLICT (id) DO UPDATE SET text = 'y' WHERE m.text LIKE ${guess}
      `
      const refusal = await expectRefusal(
        as(ana, (db) => queryRows(db, upsert)),
        DatabaseError,
        'row-level security',
      )
      messages.push(refusal.message)
    }
    expect(messages[0]).toBe(messages[1])
    // Nor does the function that refuses it tell more: of a hash it says no, whether or not it is taken.
    for (const id of [bobs, memoryId('bob', 'coffee at noon', [])]) {
      const [hash] = await as(ana, (db) =>
        queryRows(db, sql`SELECT may_take_id(${id}, 'ana', 'green tea at noon', '{}') AS told`),
      )
      expect(hash?.told).toBe(false)
    }
  })

  it('keeps the statistics, the vocabulary and what others were given from the role', async () => {
    for (const table of ['search_totals', 'search_lexemes', 'search_log', 'search_log_lexemes']) {
      const read = (db: Database) => queryRows(db, sql.raw(`SELECT * FROM ${table}`))
      await expectRefusal(as(ana, read), DatabaseError, `permission denied for table ${table}`)
    }
    const given = await as(ana, (db) =>
      queryRows(db, sql`SELECT role::text AS role, namespace FROM namespace_roles`),
    )
    expect(given).toEqual([{ role: ana, namespace: 'ana' }])
    await test.db.execute(sql`ANALYZE memory_items`)
    const statistics = (db: Database) =>
      queryRows(db, sql`SELECT * FROM pg_stats WHERE tablename = 'memory_items'`)
    expect(await as(ana, statistics)).toEqual([])
  })
})
