import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, type Database, explainSearch, rememberMany, type Where } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { idsOf } from '../support/fixtures.ts'

// A session keeps for a minute how many rows a filter was thought to pass.
describeOnEachBackend('an estimate of a filter that is out of date', (test) => {
  const tag = 'a very private tag'
  const words = ['alpha', 'beta', 'gamma', 'delta']
  const items = (prefix: string, count: number, tags: string[]) =>
    Array.from({ length: count }, (_, n) => ({
      id: `${prefix}-${n}`,
      text: `${words[n % 4]} ${words[(n >> 2) % 4]} ${'filler '.repeat(n % 7)}`,
      tags,
    }))
  const found = async (db: Database) => {
    const hits = await bm25Search(db, { queryText: 'alpha beta', queryTags: [tag], k: 30 })
    const [exact] = await queryRows(
      db,
      sql`SELECT array_agg(id ORDER BY score DESC, id COLLATE "C") AS ids FROM (
        SELECT id, bm25_score('alpha beta', text) AS score FROM memory_items
        WHERE tags && ${`{"${tag}"}`}::text[] AND search_vector @@ 'alpha | beta' ORDER BY score DESC, id COLLATE "C" LIMIT 30
      ) AS best`,
    )
    return { hits: idsOf(hits), exact: exact?.ids ?? [] }
  }

  it('changes no result, and says nothing of the filter to who comes next', async () => {
    // A transaction, so that all is one session.
    await test.db.transaction(async (db) => {
      await rememberMany(db, { items: items('other', 800, ['other']) })
      await rememberMany(db, { items: items('few', 3, [tag]) })
      await db.execute(sql`ANALYZE memory_items`)
      const before = await found(db)
      expect(before.hits).toEqual(before.exact)
      // Now nearly every row passes, and then none.
      await rememberMany(db, { items: items('many', 2500, [tag]) })
      const many = await found(db)
      expect(many.hits).toHaveLength(30)
      expect(many.hits).toEqual(many.exact)
      await db.execute(sql`DELETE FROM memory_items WHERE tags && ${`{"${tag}"}`}::text[]`)
      expect(await found(db)).toEqual({ hits: [], exact: [] })

      const kept = await queryRows(
        db,
        sql`SELECT string_agg(current_setting('opa.filter_' || n, true), '') AS text FROM generate_series(0, 63) AS n`,
      )
      expect(String(kept[0]?.text)).toMatch(/^[\d .e+-]+$/)
    })
  })
})

// What an estimate decides is which index is read, and how far: of a share that is far too low every row that passes is read.
describeOnEachBackend('an estimate of a condition on metadata', (test) => {
  const count = 4000
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: Array.from({ length: count }, (_, n) => ({
        id: `trip-${n}`,
        text: `alpha ${['beta', 'gamma', 'delta'][n % 3]} ${n}`,
        metadata: { trip: { bucket: (n * 7919) % 1000 }, kind: `k${n % 20}` },
      })),
    })
    await test.db.execute(sql`SELECT fold_search_statistics()`)
    await test.db.execute(sql`ANALYZE memory_items`)
  })
  const explained = (where: Where) =>
    explainSearch(test.db, { queryText: 'alpha beta', filter: { where, fuzzy: false } })

  it.each<[string, Where, number]>([
    ['eq', { 'metadata.kind': { eq: 'k3' } }, 0.05],
    ['in', { 'metadata.kind': { in: ['k1', 'k2', 'k3'] } }, 0.15],
    ['in, nested', { 'metadata.trip.bucket': { in: Array.from({ length: 16 }, (_, n) => n) } }, 0.016],
  ])('by %s is near its share', async (_, where, share) => {
    const { share: estimated } = await explained(where)
    // A hundred values of the column are kept as statistics.
    expect(estimated).toBeGreaterThan(share / 4)
    expect(estimated).toBeLessThan(share * 4)
  })

  it.each(['lt', 'lte', 'gt', 'gte'] as const)(
    'by %s, of which nothing is known, is a half',
    async (operator) => {
      const { share } = await explained({ 'metadata.trip.bucket': { [operator]: 500 } })
      expect(share).toBeCloseTo(0.5, 1)
    },
  )
})
