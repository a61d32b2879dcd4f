import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  DatabaseError,
  enableNamespaceIsolation,
  hybridSearch,
  rememberMany,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'
import { testPath } from '../support/installation.ts'
import { actingAs, createRoles, dropRoles, roleName } from '../support/roles.ts'

describeOnServer('a hostile role under namespace isolation', (server) => {
  const eve = roleName('eve')
  const victim = roleName('victim')
  const pool = roleName('pool')
  const as = actingAs(server)

  beforeAll(async () => {
    await createRoles(server.db, {
      [eve]: 'SELECT, INSERT, UPDATE, DELETE',
      [victim]: 'SELECT',
      [pool]: null,
    })
    await rememberMany(server.db, {
      items: [
        { id: 'e1', namespace: 'eve', text: 'own words', embedding: embedding(1) },
        { id: 'v1', namespace: 'victim', text: 'secret words', embedding: embedding(1) },
      ],
    })
    await enableNamespaceIsolation(server.db, { roles: { [eve]: ['eve'], [victim]: ['victim'] } })
    await server.db.execute(sql.raw(`CREATE SCHEMA evil AUTHORIZATION ${eve}`))
    await server.db.execute(sql.raw(`GRANT ${eve}, ${victim} TO ${pool}`))
  })
  afterAll(() => dropRoles(server.db, [pool, eve, victim]))

  it('cannot become another role, nor set who it is', async () => {
    await as(eve, async (db) => {
      for (const attempt of [
        sql.raw(`SET ROLE ${victim}`),
        sql.raw(`SET SESSION AUTHORIZATION ${victim}`),
        sql.raw(`SELECT set_config('role', '${victim}', false)`),
        sql.raw(`SELECT set_config('session_authorization', '${victim}', false)`),
      ]) {
        await expectRefusal(queryRows(db, attempt), DatabaseError, 'permission denied')
      }
      await expectRefusal(
        db.transaction(async (transaction) => {
          await transaction.execute(sql`SET LOCAL row_security = off`)
          return bm25Search(transaction, { queryText: 'words' })
        }),
        DatabaseError,
        'row-level security',
      )
      expect(idsOf(await bm25Search(db, { queryText: 'words' }))).toEqual(['e1'])
    })
  })

  it('gains nothing by functions and operators of its own in its search_path', async () => {
    await as(eve, async (db) => {
      await db.transaction(async (transaction) => {
        for (const statement of [
          `CREATE FUNCTION evil.to_regrole(text) RETURNS regrole LANGUAGE sql AS $$ SELECT '${victim}'::pg_catalog.regrole $$`,
          `CREATE FUNCTION evil.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT '${victim}'::text $$`,
          `CREATE FUNCTION evil.yes(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$`,
          `CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$`,
          'CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.yes)',
          'CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes)',
          `SET LOCAL search_path = evil, ${testPath}, pg_catalog`,
        ]) {
          await transaction.execute(sql.raw(statement))
        }
        const words = { queryText: 'words', queryEmbedding: embedding(1) }
        expect(idsOf(await bm25Search(transaction, words))).toEqual(['e1'])
        expect(idsOf(await vectorSearch(transaction, words))).toEqual(['e1'])
        expect(idsOf(await hybridSearch(transaction, words))).toEqual(['e1'])
        const seen = await queryRows(transaction, sql`SELECT id FROM memory_items`)
        expect(seen).toEqual([{ id: 'e1' }])
        const corrected = await queryRows(
          transaction,
          sql`SELECT (nearest_lexemes('secretx', 'secretx'))[1] AS word`,
        )
        expect(corrected).toEqual([{ word: null }])
      })
    })
  })

  it('sees no foreign row through a function that it passes as a condition', async () => {
    await as(eve, async (db) => {
      await db.execute(sql`CREATE TABLE evil.seen (text text)`)
      await db.execute(sql`
        CREATE FUNCTION evil.look(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
        $$ BEGIN INSERT INTO evil.seen VALUES ($1); RETURN true; END $$
      `)
      await queryRows(db, sql`SELECT id FROM memory_items WHERE evil.look(text) AND namespace = 'victim'`)
      await queryRows(db, sql`SELECT id FROM memory_items WHERE evil.look(text) ORDER BY text`)
      await queryRows(db, sql`UPDATE memory_items SET tags = tags WHERE evil.look(text)`)
      await queryRows(db, sql`DELETE FROM memory_items WHERE evil.look(text) AND namespace = 'victim'`)
      await expectRefusal(
        queryRows(
          db,
          sql`INSERT INTO memory_items AS m (id, namespace, text) VALUES ('v1', 'eve', 'x')
            ON CONFLICT (id) DO UPDATE SET text = 'y' WHERE evil.look(m.text)`,
        ),
        DatabaseError,
        'row-level security',
      )
      const seen = await queryRows(db, sql`SELECT DISTINCT text FROM evil.seen`)
      expect(seen).toEqual([{ text: 'own words' }])
      // Errors of a condition are those of the own rows alone.
      const none = await queryRows(
        db,
        sql`SELECT id FROM memory_items WHERE 1 / (CASE text WHEN 'secret words' THEN 0 ELSE 1 END) = 1`,
      )
      expect(none).toEqual([{ id: 'e1' }])
    })
  })

  it('is what a pooled login is, from SET ROLE to the end of the transaction', async () => {
    await as(pool, async (db) => {
      await expectRefusal(bm25Search(db, { queryText: 'words' }), DatabaseError, 'permission denied').catch(
        // Where the login inherits the rights of its roles, it still has none of their namespaces.
        async () => expect(await bm25Search(db, { queryText: 'words' })).toEqual([]),
      )
      for (const [role, ids] of [
        [victim, ['v1']],
        [eve, ['e1']],
      ] as const) {
        const found = await db.transaction(async (transaction) => {
          await transaction.execute(sql.raw(`SET LOCAL ROLE ${role}`))
          return bm25Search(transaction, { queryText: 'words' })
        })
        expect(idsOf(found)).toEqual(ids)
      }
    })
  })

  it('leaves no trace in a plan: every path is right, whatever the planner may use', async () => {
    const filters = [
      {},
      { namespace: 'eve' },
      { ids: ['e1', 'v1'] },
      { metadata: {} },
      { since: '2000-01-01' },
    ]
    const settings = ['enable_seqscan', 'enable_indexscan', 'enable_bitmapscan']
    await as(eve, async (db) => {
      for (const filter of filters) {
        for (const off of settings) {
          const found = await db.transaction(async (transaction) => {
            await transaction.execute(sql.raw(`SET LOCAL ${off} = off`))
            const asked = { queryText: 'words', queryEmbedding: embedding(1), filter }
            return [
              await bm25Search(transaction, asked),
              await vectorSearch(transaction, asked),
              await hybridSearch(transaction, asked),
            ].map(idsOf)
          })
          expect(found).toEqual([['e1'], ['e1'], ['e1']])
        }
      }
      const plan = await queryRows(
        db,
        sql`EXPLAIN SELECT id FROM memory_items WHERE search_vector @@ 'word' AND created_at IS NOT NULL`,
      )
      expect(JSON.stringify(plan)).not.toContain('memory_items_search_vector_idx')
    })
  })
})
