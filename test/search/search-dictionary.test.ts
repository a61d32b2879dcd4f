import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  InvalidInputError,
  migrate,
  reindexSearch,
  rememberMany,
  searchDictionaryStatus,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal, idsOf } from '../support/fixtures.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'

describeOnEachBackend('the dictionary of searches', (test) => {
  const run = (statement: string) => test.db.execute(sql.raw(statement))
  /** "seats" has another stem, as a newer server's stemmer may give it. */
  const stemOtherwise = async (isOther: boolean) => {
    const [row] = await queryRows(
      test.db,
      sql`SELECT pg_get_functiondef('split_compounds(text)'::regprocedure) AS definition`,
    )
    const [as, instead] = ['t text := document;', `t text := replace(document, 'seats', 'seatz');`]
    await run(String(row?.definition).replace(isOther ? as : instead, isOther ? instead : as))
  }

  beforeEach(async () => {
    await run('DELETE FROM memory_items')
    await rememberMany(test.db, {
      items: Array.from({ length: 50 }, (_, at) => ({
        id: `m${at}`,
        text: at % 2 ? `window seats ${at}` : `tea ${at}`,
      })),
    })
  })

  it('is current in a new database', async () => {
    const { serverVersion, ...status } = await searchDictionaryStatus(test.db)
    expect(status).toEqual({ isCurrent: true, indexedVersion: serverVersion, reindexedTo: null })
    expect(await reindexSearch(test.db)).toEqual({ lookedAt: 50, updated: 0 })
  })

  it('is not when the server has another major version or other stems; reindexing makes it so', async () => {
    await run(`UPDATE search_dictionary SET server_version = server_version - 1`)
    expect(await searchDictionaryStatus(test.db)).toMatchObject({ isCurrent: false })
    await reindexSearch(test.db)
    expect(await searchDictionaryStatus(test.db)).toMatchObject({ isCurrent: true })
    await run(`UPDATE search_dictionary SET fingerprint = 'of another stemmer'`)
    expect(await searchDictionaryStatus(test.db)).toMatchObject({ isCurrent: false })
    expect(await migrate(test.db)).toEqual({ applied: [], needsReindex: true })
    await reindexSearch(test.db)
    expect(await searchDictionaryStatus(test.db)).toMatchObject({ isCurrent: true })
    expect(await migrate(test.db)).toEqual({ applied: [], needsReindex: false })
  })

  it('makes the words of rows anew in batches, with exact statistics, and goes on where it stopped', async () => {
    const before = await queryRows(
      test.db,
      sql`SELECT id, search_vector::text, updated_at FROM memory_items ORDER BY id`,
    )
    await stemOtherwise(true)
    try {
      expect(idsOf(await bm25Search(test.db, { queryText: 'seatz', filter: { fuzzy: false } }))).toEqual([])
      const [first] = await queryRows(test.db, sql`SELECT * FROM reindex_search(20)`)
      expect(first).toMatchObject({ is_done: false })
      await expectExactStatistics(test.db)
      const seen: number[] = []
      const rest = await reindexSearch(test.db, {
        batchSize: 20,
        onProgress: ({ lookedAt }) => seen.push(lookedAt),
      })
      expect(rest.lookedAt).toBe(30)
      expect(seen).toEqual([20, 30])
      expect(Number(first?.updated) + rest.updated).toBe(25)
      await expectExactStatistics(test.db)
      expect(
        await bm25Search(test.db, { queryText: 'seatz', k: 100, filter: { fuzzy: false } }),
      ).toHaveLength(25)
      // Any other update computes the words anew as well, and is counted.
      await run(`UPDATE memory_items SET tags = '{x}' WHERE id = 'm1'`)
      await expectExactStatistics(test.db)
    } finally {
      await stemOtherwise(false)
    }
    await run(`UPDATE memory_items SET importance = 0.6 WHERE id = 'm3'`)
    await expectExactStatistics(test.db)
    await reindexSearch(test.db)
    await expectExactStatistics(test.db)
    const after = await queryRows(
      test.db,
      sql`SELECT id, search_vector::text, updated_at FROM memory_items ORDER BY id`,
    )
    const changed = new Set(['m1', 'm3'])
    expect(after.filter((row) => !changed.has(String(row.id)))).toEqual(
      before.filter((row) => !changed.has(String(row.id))),
    )
  })

  it('refuses a batch size out of range', async () => {
    for (const batchSize of [0, 10_001, 1.5])
      await expectRefusal(reindexSearch(test.db, { batchSize }), InvalidInputError, 'batchSize')
  })
})
