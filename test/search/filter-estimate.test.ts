import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, type Database, rememberMany } from '../../src/index.ts'
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
