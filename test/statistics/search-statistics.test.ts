import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  foldSearchStatistics,
  forget,
  rebuildSearchStatistics,
  remember,
  rememberMany,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { expectExactStatistics, insertRows, unfolded } from '../support/search-statistics.ts'
import { zipfRows, zipfWord } from '../support/zipf-corpus.ts'

describeOnEachBackend('search statistics', (test) => {
  const run = (text: string) => test.db.execute(sql.raw(text))
  beforeEach(async () => {
    await run('TRUNCATE memory_items')
    await insertRows(test.db, zipfRows(50))
  })
  afterEach(() => expectExactStatistics(test.db))

  it('follow the helpers', async () => {
    await remember(test.db, { id: 'a', text: 'green tea and more tea' })
    await remember(test.db, { id: 'a', text: 'black tea' })
    await rememberMany(test.db, { items: zipfRows(300, { seed: 2 }).map(({ id, text }) => ({ id, text })) })
    await expectExactStatistics(test.db)
    await forget(test.db, { ids: ['a', 'z1', 'z2'] })
  })

  it('follow single rows, few rows and many rows, written, changed, renamed and deleted', async () => {
    for (const rows of [1, 32, 33, 200]) {
      const change = `FROM (SELECT id AS old FROM memory_items ORDER BY id LIMIT ${rows}) AS chosen WHERE id = old`
      await run(
        `INSERT INTO memory_items (id, text) SELECT 'n' || n, 'word' || n || ' tea' FROM generate_series(1, ${rows}) AS n`,
      )
      await expectExactStatistics(test.db)
      await run(`UPDATE memory_items SET text = text || ' more tea tea tea' ${change}`)
      await expectExactStatistics(test.db)
      await run(`UPDATE memory_items SET id = id || 'r' ${change}`)
      await expectExactStatistics(test.db)
      await run(
        `DELETE FROM memory_items WHERE id IN (SELECT id FROM memory_items ORDER BY id LIMIT ${rows})`,
      )
      await expectExactStatistics(test.db)
    }
  })

  it('are not written by an update that leaves the text alone', async () => {
    await foldSearchStatistics(test.db)
    await run('UPDATE memory_items SET importance = 0.7')
    await run(`UPDATE memory_items SET tags = '{x}', text = text WHERE id = 'z1'`)
    expect(await unfolded(test.db)).toBe(0)
  })

  it('follow ON CONFLICT, which inserts and updates at once', async () => {
    for (const rows of [10, 100]) {
      await run(`
        INSERT INTO memory_items (id, text) SELECT 'z' || n, 'of the conflict ' || n FROM generate_series(40, ${40 + rows}) AS n
        ON CONFLICT (id) DO UPDATE SET text = excluded.text
      `)
      await expectExactStatistics(test.db)
      await run(
        `INSERT INTO memory_items (id, text) SELECT 'z' || n, 'nothing' FROM generate_series(1, ${rows}) AS n ON CONFLICT DO NOTHING`,
      )
      await expectExactStatistics(test.db)
    }
  })

  it('follow MERGE, and WITH that writes more than once', async () => {
    await run(`
      MERGE INTO memory_items AS m USING (SELECT 'z' || n AS id, n FROM generate_series(30, 100) AS n) AS source ON m.id = source.id
      WHEN MATCHED AND source.n % 2 = 0 THEN DELETE
      WHEN MATCHED THEN UPDATE SET text = 'merged ' || source.n
      WHEN NOT MATCHED THEN INSERT (id, text) VALUES (source.id, 'new by merge')
    `)
    await expectExactStatistics(test.db)
    await run(`
      WITH gone AS (DELETE FROM memory_items WHERE id < 'z3' RETURNING text)
      INSERT INTO memory_items (id, text) SELECT 'again' || row_number() OVER (), text FROM gone
    `)
  })

  it('follow TRUNCATE, and what is written before and after it in one transaction', async () => {
    await test.db.transaction(async (transaction) => {
      await transaction.execute(sql`INSERT INTO memory_items (id, text) VALUES ('before', 'before the end')`)
      await transaction.execute(sql`TRUNCATE memory_items`)
      await expectExactStatistics(transaction)
      await transaction.execute(sql`INSERT INTO memory_items (id, text) VALUES ('after', 'after the end')`)
      await expectExactStatistics(transaction)
    })
    const [first, ...rest] = await bm25Search(test.db, { queryText: 'end' })
    expect([first?.id, rest.length]).toEqual(['after', 0])
  })

  it('forget what is rolled back, wholly or to a savepoint', async () => {
    await test.db
      .transaction(async (outer) => {
        await insertRows(
          outer,
          zipfRows(200, { seed: 3 }).map((row) => ({ ...row, id: `o${row.id}` })),
        )
        await expectExactStatistics(outer)
        await outer
          .transaction(async (inner) => {
            await inner.execute(sql`DELETE FROM memory_items`)
            await expectExactStatistics(inner)
            throw new Error('back to the savepoint')
          })
          .catch((error: Error) => expect(error.message).toBe('back to the savepoint'))
        await expectExactStatistics(outer)
        throw new Error('back')
      })
      .catch((error: Error) => expect(error.message).toBe('back'))
  })

  it('are there at once in the transaction that writes, misspelt words included', async () => {
    await test.db.transaction(async (transaction) => {
      await remember(transaction, { id: 'own', text: 'a hippopotamus' })
      expect((await bm25Search(transaction, { queryText: 'hipopotamus' })).map((row) => row.id)).toEqual([
        'own',
      ])
    })
    await forget(test.db, { ids: ['own'] })
    expect(await bm25Search(test.db, { queryText: 'hippopotamus' })).toEqual([])
  })

  it('fold when asked, and fold themselves away as memories are written', async () => {
    await foldSearchStatistics(test.db)
    for (let at = 0; at < 400; at++) await remember(test.db, { id: `m${at}`, text: `memory ${at} of tea` })
    expect(await unfolded(test.db)).toBeLessThan(200)
    await expectExactStatistics(test.db)
    await foldSearchStatistics(test.db)
    expect(await unfolded(test.db)).toBe(0)
  })

  it('are compacted into entries, where misspelt words are still found, and folded once there are sixteen', async () => {
    const state = async () => {
      const [row] = await queryRows(
        test.db,
        sql`
          SELECT count(lexemes)::int AS documents, (count(*) - count(lexemes))::int AS entries,
            (SELECT max(fold)::int FROM search_totals) AS fold,
            EXISTS (SELECT FROM search_vocabulary WHERE lexeme = 'rhinocero') AS is_known
          FROM search_log_entries()
        `,
      )
      return row as { documents: number; entries: number; fold: number; is_known: boolean }
    }
    await insertRows(
      test.db,
      zipfRows(600, { seed: 5 }).map((row) => ({ ...row, id: `base-${row.id}` })),
    )
    await foldSearchStatistics(test.db)
    const { fold } = await state()
    await remember(test.db, { id: 'rare', text: 'a rhinoceros' })
    for (let at = 0; at < 160; at++)
      await remember(test.db, { id: `c${at}`, text: `tea for ${zipfWord(at)}` })
    const compacted = await state()
    expect(compacted).toMatchObject({ entries: 1, fold, is_known: false })
    expect(compacted.documents).toBeLessThan(64)
    expect((await bm25Search(test.db, { queryText: 'rhinocerus' })).map((row) => row.id)).toEqual(['rare'])
    await expectExactStatistics(test.db)
    for (let at = 0; at < 16; at++) {
      await insertRows(
        test.db,
        zipfRows(33, { seed: 100 + at }).map((row) => ({ ...row, id: `e${at}-${row.id}` })),
      )
    }
    const folded = await state()
    expect(folded).toMatchObject({ documents: 0, is_known: true })
    expect(folded.entries).toBeLessThan(16)
    expect(folded.fold).toBe(fold + 1)
    await expectExactStatistics(test.db)
  })

  it('are counted anew when asked, whatever has become of them', async () => {
    await run('ALTER TABLE memory_items DISABLE TRIGGER USER')
    await run(`DELETE FROM memory_items WHERE id < 'z3'`)
    await run('ALTER TABLE memory_items ENABLE TRIGGER USER')
    await expect(expectExactStatistics(test.db)).rejects.toThrow()
    await rebuildSearchStatistics(test.db)
    await expectExactStatistics(test.db)
    await remember(test.db, { text: 'and they go on' })
  })

  it('ignore rows that are written to their own tables, as a data-only restore does', async () => {
    await run(`INSERT INTO search_log (documents, total_length, lexemes) VALUES (7, 7, 'tea')`)
    await run(`INSERT INTO search_lexemes VALUES ('tea', 0, 7)`)
    await run(`INSERT INTO search_vocabulary VALUES ('tea')`)
    await expectExactStatistics(test.db)
  })
})

describeOnServer('search statistics among sessions', (server) => {
  it('follow COPY', async () => {
    const session = postgres(server.url, { max: 1, onnotice: () => {} })
    const copy = await session`COPY memory_items (id, text) FROM STDIN`.writable()
    await new Promise<void>((resolve, reject) => {
      copy.on('finish', resolve).on('error', reject)
      for (let at = 0; at < 500; at++) copy.write(`c${at}\tcopied text ${at % 17}\n`)
      copy.end()
    })
    await session.end()
    await expectExactStatistics(server.db)
  })

  it('are folded by REPEATABLE READ writers, also side by side and below savepoints', async () => {
    await foldSearchStatistics(server.db)
    const writers = await Promise.all(Array.from({ length: 4 }, () => server.connectAgain(1)))
    await Promise.all(
      writers.map(async ({ db }, writer) => {
        for (let at = 0; at < 120; at++) {
          await db.transaction(
            async (transaction) => {
              await remember(transaction, { id: `r${writer}-${at}`, text: `repeatable ${at}` })
              if (at % 40 === 7) await transaction.transaction((nested) => foldSearchStatistics(nested))
            },
            { isolationLevel: 'repeatable read' },
          )
        }
      }),
    )
    await expectExactStatistics(server.db)
    expect(await unfolded(server.db)).toBeLessThan(200)
  })

  it('are folded whatever advisory locks another login holds', async () => {
    const other = await server.connectAgain(1)
    await other.db.transaction(async (holding) => {
      await holding.execute(
        sql`SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_class WHERE relname LIKE 'search_%'`,
      )
      await remember(server.db, { id: 'locked', text: 'written beside a lock' })
      expect(await foldSearchStatistics(server.db)).toBeGreaterThan(0)
    })
    expect(await unfolded(server.db)).toBe(0)
  })

  it('are folded by the next writer where SERIALIZABLE ones have left them', async () => {
    await foldSearchStatistics(server.db)
    for (let at = 0; at < 300; at++) {
      await server.db.transaction(
        (transaction) => remember(transaction, { id: `serializable${at}`, text: `left ${at}` }),
        { isolationLevel: 'serializable' },
      )
    }
    expect(await unfolded(server.db)).toBeGreaterThanOrEqual(300)
    await expectExactStatistics(server.db)
    for (let at = 0; at < 32; at++) await remember(server.db, { id: `next${at}`, text: `next ${at}` })
    expect(await unfolded(server.db)).toBeLessThan(32)
    await expectExactStatistics(server.db)
  })

  it('are the ones of their own snapshot, however much is written and folded since', async () => {
    const reader = await server.connectAgain(1)
    await reader.db.transaction(
      async (old) => {
        await expectExactStatistics(old)
        const before = await bm25Search(old, { queryText: 'next copied', k: 50 })
        await insertRows(server.db, zipfRows(3000, { seed: 5 }), 500)
        await server.db.execute(sql`DELETE FROM memory_items WHERE id LIKE 'c%'`)
        await foldSearchStatistics(server.db)
        await expectExactStatistics(old)
        expect(await bm25Search(old, { queryText: 'next copied', k: 50 })).toEqual(before)
      },
      { isolationLevel: 'repeatable read' },
    )
    await expectExactStatistics(server.db)
  })

  it('are counted anew while others write', async () => {
    const writers = await Promise.all([server.connectAgain(1), server.connectAgain(1)])
    let done = false
    const writing = writers.map(async ({ db }, writer) => {
      for (let at = 0; !done; at++) await remember(db, { id: `w${writer}-${at % 50}`, text: `written ${at}` })
    })
    for (let round = 0; round < 5; round++) {
      await rebuildSearchStatistics(server.db)
      await expectExactStatistics(server.db)
    }
    done = true
    await Promise.all(writing)
    await expectExactStatistics(server.db)
  })
})
