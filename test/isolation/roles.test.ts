import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'
import {
  bm25Score,
  bm25Search,
  type Connection,
  connect,
  DatabaseError,
  forget,
  getMemory,
  hybridSearch,
  listMemories,
  rebuildSearchStatistics,
  recall,
  remember,
  rememberMany,
  schema,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'
import { installation } from '../support/installation.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'

/** Roles belong to the whole server, so their names are this run's own. */
const suffix = randomBytes(4).toString('hex')
const behind = sql.identifier(internalSchema(installation.schema))
const reader = `opa_test_reader_${suffix}`
const stranger = `opa_test_stranger_${suffix}`
const writer = `opa_test_writer_${suffix}`

describeOnServer('roles with few rights', (server) => {
  const connections: Connection[] = []
  const as = async (role: string) => {
    const url = new URL(server.url)
    url.username = role
    url.password = 'secret'
    const { schema: name } = installation
    const connection = await connect(
      { kind: 'server', url: url.toString(), schema: name },
      { maxConnections: 2 },
    )
    connections.push(connection)
    return connection.db
  }

  beforeAll(async () => {
    await rememberMany(server.db, { items: [{ id: 'x', text: 'green tea', embedding: embedding(1) }] })
    for (const role of [reader, stranger, writer]) {
      await server.db.execute(sql.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`))
    }
    await server.db.execute(sql`SELECT grant_reader(${reader}::text)`)
    await server.db.execute(sql`SELECT grant_service(${writer}::text)`)
  })
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    for (const role of [reader, stranger, writer]) {
      await server.db.execute(sql`SELECT revoke_rights(${role}::text)`)
      await server.db.execute(sql.raw(`DROP ROLE ${role}`))
    }
  })

  it('one that may only read can search', async () => {
    const db = await as(reader)
    const options = { queryText: 'green taa', queryEmbedding: embedding(1) }
    expect(idsOf(await bm25Search(db, options))).toEqual(['x'])
    expect(idsOf(await vectorSearch(db, options))).toEqual(['x'])
    expect(idsOf(await hybridSearch(db, options))).toEqual(['x'])
    expect(idsOf(await recall(db, { question: 'tea' }))).toEqual(['x'])
    expect(await bm25Score(db, { queryText: 'tea', docText: 'tea' })).toBeGreaterThan(0)
    expect(await getMemory(db, { id: 'x' })).toMatchObject({ text: 'green tea' })
    expect(idsOf((await listMemories(db)).items)).toEqual(['x'])
  })

  it('one that may only read cannot write, and is told so', async () => {
    const db = await as(reader)
    const denied = 'permission denied for table memory_items'
    await expectRefusal(remember(db, { text: 'x' }), DatabaseError, denied)
    await expectRefusal(rememberMany(db, { items: [{ text: 'x' }, { text: 'y' }] }), DatabaseError, denied)
    await expectRefusal(forget(db, { ids: ['x'] }), DatabaseError, denied)
    expect(await server.db.$count(schema.memoryItems)).toBe(1)
  })

  it('one without rights reads nothing, and is told so', async () => {
    const db = await as(stranger)
    const denied = /permission denied for (table|schema|function)/
    const options = { queryText: 'tea', queryEmbedding: embedding(1) }
    for (const attempt of [
      () => bm25Search(db, options),
      () => vectorSearch(db, options),
      () => hybridSearch(db, options),
      () => bm25Score(db, { queryText: 'tea', docText: 'tea' }),
      () => getMemory(db, { id: 'x' }),
      () => listMemories(db),
      () => remember(db, { text: 'x' }),
      () => forget(db, { ids: ['x'] }),
    ]) {
      const refusal = await expectRefusal(attempt, DatabaseError, denied)
      expect(refusal.cause).toBeInstanceOf(Error)
    }
    expect(await server.db.$count(schema.memoryItems)).toBe(1)
  })

  it('one that may only write memory_items keeps the statistics, and cannot touch them otherwise', async () => {
    const db = await as(writer)
    await rememberMany(db, {
      items: Array.from({ length: 50 }, (_, at) => ({ id: `w${at}`, text: `black tea ${at}` })),
    })
    await forget(db, { ids: ['w1', 'w2'] })
    expect(await bm25Search(db, { queryText: 'blackk', k: 100 })).toHaveLength(48)
    await expectExactStatistics(server.db)
    for (const table of [
      'search_totals',
      'search_lexemes',
      'search_vocabulary',
      'search_log',
      'search_log_lexemes',
    ]) {
      for (const statement of ['SELECT * FROM', 'DELETE FROM', 'TRUNCATE']) {
        await expectRefusal(
          queryRows(db, sql`${sql.raw(statement)} ${behind}.${sql.identifier(table)}`),
          DatabaseError,
          `permission denied for table ${table}`,
        )
      }
    }
    await expectRefusal(
      queryRows(db, sql`SELECT * FROM ${behind}.search_log_entries()`),
      DatabaseError,
      'permission denied',
    )
    await expectRefusal(rebuildSearchStatistics(db), DatabaseError, 'permission denied')
    await forget(db, { ids: Array.from({ length: 50 }, (_, at) => `w${at}`) })
  })
})
