import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  ConfigurationError,
  ConflictError,
  createMemory,
  embeddingModel,
  embedPending,
  getMemory,
  hybridSearch,
  InvalidInputError,
  remember,
  rememberMany,
  useEmbeddingModel,
  vectorIndexHealth,
  vectorSearch,
} from '../../src/index.ts'
import { vectorIndexes } from '../../src/vector-index/catalog.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

/** A database as it was at first, of the dimensions of the tests. */
async function start(db: Database): Promise<void> {
  await db.execute(sql`TRUNCATE memory_items`)
  await useEmbeddingModel(db, { name: null, dimensions })
}

const storedRows = async (db: Database) =>
  Number((await queryRows(db, sql`SELECT count(*) AS rows FROM memory_items`))[0]?.rows)

describeOnEachBackend('the embedding model', (test) => {
  beforeEach(() => start(test.db))

  it('is named by the first embedder that writes', async () => {
    expect(await embeddingModel(test.db)).toMatchObject({ name: null, dimensions, next: null })
    const memory = createMemory(test.db, wordEmbedder('first'))
    await memory.recall('what is there?')
    expect(await embeddingModel(test.db)).toMatchObject({ name: null })
    await memory.remember('a memory')
    expect(await embeddingModel(test.db)).toMatchObject({ name: 'first', dimensions })
  })

  it('is named by embedPending too, and vectors without a name are taken for its own', async () => {
    await remember(test.db, { id: 'own', text: 'own', embedding: embedding(1) })
    await remember(test.db, { id: 'pending', text: 'pending' })
    expect(await embedPending(test.db, wordEmbedder('first'))).toMatchObject({ embedded: 1 })
    expect(await embeddingModel(test.db)).toMatchObject({ name: 'first' })
    expect(await vectorSearch(test.db, { queryEmbedding: embedding(1) })).toHaveLength(2)
    await remember(test.db, { id: 'own', text: 'own', embedding: embedding(2) })
    expect((await getMemory(test.db, { id: 'own' }))?.embedding?.[0]).toBeCloseTo(
      embedding(2)[0] as number,
      5,
    )
  })

  it('refuses another of the same length everywhere, before anything is written', async () => {
    await createMemory(test.db, wordEmbedder('first')).remember('a memory')
    const other = wordEmbedder('second')
    const memory = createMemory(test.db, other)
    const parts = [`${dimensions} dimensions of the model "first"`, 'of model "second"', 'beginModelChange']
    await expectRefusal(memory.remember('another'), ConfigurationError, ...parts)
    await expectRefusal(memory.rememberMany(['one', 'two']), ConfigurationError, ...parts)
    await expectRefusal(memory.recall('memory'), ConfigurationError, ...parts)
    await expectRefusal(memory.embedPending(), ConfigurationError, ...parts)
    await expectRefusal(embedPending(test.db, other), ConfigurationError, ...parts)
    expect(other.calls).toEqual([])
    const items = [{ text: 'one' }, { text: 'two', embedding: embedding(2) }]
    await expectRefusal(
      rememberMany(test.db, { items, model: 'second' }),
      InvalidInputError,
      'current model "first"',
      'got one of "second"',
    )
    for (const search of [vectorSearch, hybridSearch]) {
      const filter = { model: 'second' }
      const refused = search(test.db, { queryEmbedding: embedding(1), filter })
      await expectRefusal(refused, InvalidInputError, 'current model "first"', 'got one of "second"')
      const named = await search(test.db, { queryEmbedding: embedding(1), filter: { model: 'first' } })
      expect(named).toHaveLength(1)
    }
    expect(await storedRows(test.db)).toBe(1)
  })

  it('is noticed by a memory that was made before it was changed', async () => {
    const early = createMemory(test.db, wordEmbedder('early'))
    expect((await early.recall('anything')).embedded).toBe(true)
    await createMemory(test.db, wordEmbedder('first')).remember('a memory')
    await expectRefusal(early.recall('anything'), ConfigurationError, '"first"', '"early"')
    await expectRefusal(early.remember('anything'), ConfigurationError, '"first"', '"early"')
    expect(await storedRows(test.db)).toBe(1)
  })

  it('is another at once while no vector is stored, with its own index and search', async () => {
    await remember(test.db, { text: 'found by its words' })
    for (const size of [8, 3072, 4000]) {
      await useEmbeddingModel(test.db, { name: `of ${size}`, dimensions: size })
      expect(await embeddingModel(test.db)).toMatchObject({
        name: `of ${size}`,
        dimensions: size,
        next: null,
      })
      await useEmbeddingModel(test.db, { name: `of ${size}`, dimensions: size })
    }
    const memory = createMemory(test.db, wordEmbedder('of 4000', 4000))
    await memory.rememberMany(['window seats', 'aisle seats', 'the captain'])
    const { memories } = await memory.recall('window', { k: 1 })
    expect(memories).toMatchObject([{ text: 'window seats', vectorScore: expect.any(Number) }])
    expect(await vectorIndexHealth(test.db)).toMatchObject({ embeddings: 3, recall: 1, method: 'hnsw' })

    const refused = useEmbeddingModel(test.db, { name: null, dimensions })
    await expectRefusal(
      refused,
      ConflictError,
      'the model "of 4000" of 4000 dimensions',
      'one without a name',
    )
    const short = vectorSearch(test.db, { queryEmbedding: [1, 2, 3] })
    await expectRefusal(short, InvalidInputError, 'must have 4000 dimensions', '"of 4000"', 'got 3')
    const stored = remember(test.db, { id: 'short', text: 'x', embedding: [1, 2, 3] })
    await expectRefusal(stored, InvalidInputError, 'the memory "short" must have 4000 dimensions', 'got 3')
  })

  it('says so in SQL', async () => {
    const refused = (statement: string, message: string) =>
      expect(test.db.execute(sql.raw(statement))).rejects.toMatchObject({
        cause: { message: expect.stringContaining(message) },
      })
    const five = `'[1,2,3,4,5]'`
    const expected = `must have ${dimensions} dimensions, got 5`
    await refused(`INSERT INTO memory_items (id, text, embedding) VALUES ('x', 'x', ${five})`, expected)
    await remember(test.db, { id: 'x', text: 'x', embedding: embedding(1) })
    await refused(`UPDATE memory_items SET embedding = ${five} WHERE id = 'x'`, expected)
    await refused(`SELECT * FROM vector_search(${five})`, expected)
    await refused(
      `UPDATE memory_items SET next_embedding = ${five} WHERE id = 'x'`,
      'next_embedding is for a change of the model, and none is under way',
    )
    await refused(
      `SELECT * FROM vector_search(${five}, filter => '{"model":1}')`,
      'filter.model must be a string',
    )
    await refused(`SELECT use_embedding_model('', 3)`, 'name must be a text of 1 to 1024 bytes, got 0 bytes')
    await refused(
      `SELECT use_embedding_model('a', 4001)`,
      'dimensions must be an integer from 1 to 4000, got 4001',
    )
    await refused(`SELECT use_embedding_model('a', NULL)`, 'got null')
  })

  it.each<[string, unknown, string]>([
    ['no dimensions', { name: 'a' }, 'dimensions must be a whole number from 1 to 4000'],
    ['none at all', { name: 'a', dimensions: 0 }, 'from 1 to 4000, got 0'],
    ['half a dimension', { name: 'a', dimensions: 1.5 }, 'got 1.5'],
    ['too many', { name: 'a', dimensions: 4001 }, 'got 4001'],
    ['an empty name', { name: '', dimensions: 3 }, 'name must be a text of 1 to 1024 bytes'],
    ['a name with NUL', { name: 'a\0', dimensions: 3 }, 'NUL'],
    ['a long name', { name: 'é'.repeat(600), dimensions: 3 }, '1200 bytes'],
  ])('refuses %s', async (_, model, message) => {
    await expectRefusal(() => useEmbeddingModel(test.db, model as never), InvalidInputError, message)
  })

  it('marks each row, whatever a client says', async () => {
    const { id } = await embeddingModel(test.db)
    await test.db.execute(
      sql`INSERT INTO memory_items (id, text, embedding, embedding_model) VALUES ('a', 'a', ${JSON.stringify(embedding(1))}::vector, 99), ('b', 'b', NULL, 99)`,
    )
    await test.db.execute(sql`UPDATE memory_items SET embedding_model = 7`)
    const rows = await queryRows(
      test.db,
      sql`SELECT id, embedding_model AS model FROM memory_items ORDER BY id`,
    )
    expect(rows).toEqual([
      { id: 'a', model: id },
      { id: 'b', model: null },
    ])
    expect(idsOf(await vectorSearch(test.db, { queryEmbedding: embedding(1) }))).toEqual(['a'])
  })

  it('a caller’s own transaction names its models itself', async () => {
    await createMemory(test.db, wordEmbedder('first')).remember('a memory')
    await test.db.transaction(async (transaction) => {
      await rememberMany(transaction, { items: [{ text: 'b', embedding: vectorOf('b') }], model: 'first' })
      const [row] = await queryRows(
        transaction,
        sql`SELECT current_setting('opa.embedding_model', true) AS model`,
      )
      expect(row?.model ?? '').toBe('')
    })
  })
})

describeOnServer('the embedding model, named by several at once', (server) => {
  it('has one name, and the others are refused', async () => {
    await start(server.db)
    const memories = ['a', 'b', 'c', 'd'].map((model) => createMemory(server.db, wordEmbedder(model)))
    const outcomes = await Promise.allSettled(
      memories.map((memory, at) => memory.rememberMany([`text ${at}`, `more ${at}`])),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
    expect((await embeddingModel(server.db)).name).toBe('abcd'[winner])
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConfigurationError)
    }
    expect(await storedRows(server.db)).toBe(2)
    expect([...(await vectorIndexes(server.db)).keys()]).toEqual(['memory_items_embedding_idx'])
  })
})
