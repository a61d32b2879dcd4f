import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { readCatalog } from '../../scripts/migrations/golden.ts'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  beginModelChange,
  ConfigurationError,
  ConflictError,
  cancelModelChange,
  createMemory,
  embeddingModel,
  embedPending,
  finishModelChange,
  getMemory,
  InvalidInputError,
  remember,
  rememberMany,
  settleEmbeddings,
  useEmbeddingModel,
  vectorIndexHealth,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'
import { embedding, expectRefusal, idsOf } from '../support/fixtures.ts'
import { installation } from '../support/installation.ts'

const subjects = ['window', 'aisle', 'train', 'plane', 'coffee', 'tea', 'meeting', 'holiday']
const texts = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ id: `m${at}`, text: `${subjects[at % 8]} number ${at}` }))

/** Where the rows' vectors lie. */
async function places(db: Database) {
  const [row] = await queryRows(
    db,
    sql`
      SELECT count(*) AS rows, count(embedding) AS embedded, count(next_embedding) AS next,
        count(DISTINCT embedding_model) AS models, max(vector_dims(embedding)) AS dimensions
      FROM memory_items
    `,
  )
  return Object.fromEntries(Object.entries(row ?? {}).map(([key, value]) => [key, Number(value)]))
}

describeOnEachBackend('a change of the embedding model', (test) => {
  const old = () => wordEmbedder('old')
  // Of the same length, of more and of fewer dimensions.
  const models = [wordEmbedder('twin', dimensions), wordEmbedder('wide', 1024), wordEmbedder('narrow', 64)]
  beforeEach(async () => {
    if ((await embeddingModel(test.db)).next) await cancelModelChange(test.db)
    await test.db.execute(sql`TRUNCATE memory_items`)
    await useEmbeddingModel(test.db, { name: 'old', dimensions })
    await createMemory(test.db, old()).rememberMany(texts(40))
  })

  it.each(models)(
    'to $model of $dimensions dimensions: searches are whole before, during and after',
    async (next) => {
      const question = 'which window?'
      const asked = (embedder = old()) => createMemory(test.db, embedder).recall(question, { k: 5 })
      const before = await asked()
      await beginModelChange(test.db, { name: next.model, dimensions: next.dimensions })
      expect(await asked()).toEqual(before)
      const early = finishModelChange(test.db)
      await expectRefusal(early, ConflictError, '40 memories have no vector of the model', `"${next.model}"`)
      expect(await embedPending(test.db, next, { limit: 15 })).toMatchObject({ embedded: 15, failed: [] })
      expect(await asked()).toEqual(before)
      await expectRefusal(asked(next), ConfigurationError, 'until finishModelChange', `"${next.model}"`)
      const sneaked = vectorSearch(test.db, {
        queryEmbedding: vectorOf(question, next.dimensions),
        filter: { model: next.model },
      })
      await expectRefusal(
        sneaked,
        InvalidInputError,
        `the change to the model "${next.model}" is not finished`,
      )
      expect(await embedPending(test.db, next)).toMatchObject({ embedded: 25, failed: [] })
      expect(await asked()).toEqual(before)
      expect(await places(test.db)).toMatchObject({ embedded: 40, next: 40, models: 1, dimensions })

      expect(await finishModelChange(test.db)).toMatchObject({
        name: next.model,
        next: null,
        switched: true,
        settled: 40,
      })
      expect(await places(test.db)).toMatchObject({
        embedded: 40,
        next: 0,
        models: 1,
        dimensions: next.dimensions,
      })
      const after = await asked(next)
      expect(after.memories[0]?.vectorScore).toBeGreaterThan(0.2)
      expect(await vectorIndexHealth(test.db)).toMatchObject({
        embeddings: 40,
        recall: 1,
        leftovers: [],
        method: 'hnsw',
      })
      await expectRefusal(asked(), ConfigurationError, `"${next.model}"`, '"old"')
      const late = vectorSearch(test.db, { queryEmbedding: vectorOf(question), filter: { model: 'old' } })
      await expectRefusal(late, InvalidInputError, `"${next.model}"`, 'the model "old" was replaced at')
      await expectRefusal(
        rememberMany(test.db, { items: [{ text: 'late', embedding: embedding(1) }], model: 'old' }),
        InvalidInputError,
        'the model "old" was replaced at',
      )
      const [stored] = await queryRows(
        test.db,
        sql`SELECT count(*) AS rows FROM memory_items WHERE text = 'late'`,
      )
      expect(Number(stored?.rows)).toBe(0)
      expect(await finishModelChange(test.db)).toMatchObject({ switched: false, settled: 0 })
    },
  )

  it('is written to by both models, and notices what changes meanwhile', async () => {
    const next = wordEmbedder('next', 96)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
    await embedPending(test.db, next)
    const [oldMemory, newMemory] = [createMemory(test.db, old()), createMemory(test.db, next)]
    await oldMemory.remember({ id: 'm0', text: 'another text' })
    await newMemory.remember({ id: 'm1', text: 'yet another text' })
    await newMemory.remember({ id: 'm2', text: 'train number 2' })
    await oldMemory.remember({ id: 'mine', text: 'written by the old' })
    await newMemory.remember({ id: 'yours', text: 'written by the new' })
    await test.db.execute(sql`UPDATE memory_items SET text = 'changed by hand' WHERE id = 'm3'`)
    await remember(test.db, { id: 'm4', text: 'coffee number 4', importance: 1 })
    const state = async (id: string) => {
      const [row] = await queryRows(
        test.db,
        sql`SELECT embedding IS NOT NULL AS own, next_embedding IS NOT NULL AS next FROM memory_items WHERE id = ${id}`,
      )
      return [row?.own, row?.next]
    }
    expect(await state('m0')).toEqual([true, false])
    expect(await state('m1')).toEqual([false, true])
    expect(await state('m2')).toEqual([true, true])
    expect(await state('mine')).toEqual([true, false])
    expect(await state('yours')).toEqual([false, true])
    expect(await state('m3')).toEqual([false, false])
    expect(await state('m4')).toEqual([true, true])

    await expectRefusal(finishModelChange(test.db), ConflictError, '2 memories have no vector')
    // A memory with both embedders fills the newest, and goes on through the switch.
    const both = createMemory(test.db, [old(), next])
    expect(await both.embedPending()).toMatchObject({ embedded: 3 })
    expect((await both.recall('written by the old')).memories[0]).toMatchObject({ id: 'mine' })
    await finishModelChange(test.db)
    expect((await both.recall('written by the old')).memories[0]).toMatchObject({ id: 'mine' })
    await both.remember({ id: 'later', text: 'written through the switch' })
    expect(await places(test.db)).toMatchObject({
      rows: 43,
      embedded: 43,
      next: 0,
      models: 1,
      dimensions: 96,
    })
    expect((await getMemory(test.db, { id: 'm0' }))?.embedding).toEqual(
      Array.from(vectorOf('another text', 96)),
    )
  })

  it('switches with rows pending where that is accepted: they are found by keyword alone', async () => {
    const next = wordEmbedder('next', 96)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
    await embedPending(test.db, next, { limit: 30 })
    expect(await finishModelChange(test.db, { acceptPending: true })).toMatchObject({ switched: true })
    expect(await places(test.db)).toMatchObject({ rows: 40, embedded: 30, models: 1, dimensions: 96 })
    expect(await vectorSearch(test.db, { queryEmbedding: vectorOf('window', 96), k: 100 })).toHaveLength(30)
    expect(await embedPending(test.db, next)).toMatchObject({ embedded: 10 })
    expect(await vectorSearch(test.db, { queryEmbedding: vectorOf('window', 96), k: 100 })).toHaveLength(40)
  })

  it('is cancelled without a trace, half-filled as well, and begun again', async () => {
    const catalog = await readCatalog(test.db, installation)
    const next = wordEmbedder('next', 96)
    for (const other of ['next', 'another']) {
      await beginModelChange(test.db, { name: other, dimensions: 96 })
      await beginModelChange(test.db, { name: other, dimensions: 96 })
      await embedPending(test.db, { ...next, model: other }, { limit: 10 })
      await expectRefusal(
        beginModelChange(test.db, { name: 'third', dimensions: 5 }),
        ConflictError,
        `the change to "${other}" of 96 dimensions is under way`,
      )
      await expectRefusal(
        useEmbeddingModel(test.db, { name: 'third', dimensions: 5 }),
        ConflictError,
        'under way',
      )
      await cancelModelChange(test.db)
      expect(await places(test.db)).toMatchObject({ embedded: 40, next: 0, dimensions })
    }
    expect(await readCatalog(test.db, installation)).toBe(catalog)
    await expectRefusal(cancelModelChange(test.db), ConflictError, 'no change')
    await expectRefusal(embedPending(test.db, next), ConfigurationError, '"next"')
  })

  it('takes up what an interruption left, one change after the other', async () => {
    const next = wordEmbedder('next', 96)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
    await embedPending(test.db, next)
    // Switched, and killed before the tidying up was done.
    const stop = new AbortController()
    await finishModelChange(test.db, { batchSize: 7, onSettled: () => stop.abort(), signal: stop.signal })
    expect((await places(test.db)).models).toBe(2)
    const whole = async (embedder: typeof next) =>
      idsOf(await vectorSearch(test.db, { queryEmbedding: vectorOf('number', embedder.dimensions), k: 100 }))
    expect(await whole(next)).toHaveLength(40)
    // The next change begins on rows that still have the vectors of the one before.
    const third = wordEmbedder('third', 200)
    await beginModelChange(test.db, { name: 'third', dimensions: 200 })
    await embedPending(test.db, third, { limit: 20 })
    expect(await whole(next)).toHaveLength(40)
    await settleEmbeddings(test.db)
    await embedPending(test.db, third)
    expect(await whole(next)).toHaveLength(40)
    await finishModelChange(test.db)
    expect(await whole(third)).toHaveLength(40)
    expect(await places(test.db)).toMatchObject({ embedded: 40, next: 0, models: 1, dimensions: 200 })
  })

  it('may switch while a memory is choosing among its embedders', async () => {
    const next = wordEmbedder('next', 96)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
    await embedPending(test.db, next)
    let reads = 0
    const db = Object.create(test.db) as Database
    db.execute = (async (statement: Parameters<Database['execute']>[0]) => {
      const rows = await test.db.execute(statement)
      reads += 1
      if (reads === 1) await finishModelChange(test.db)
      return rows
    }) as unknown as Database['execute']
    const { memories, embedded } = await createMemory(db, [next, old()]).recall('which window?', { k: 3 })
    expect([memories.length, embedded]).toEqual([3, true])
    expect(reads).toBeGreaterThan(1)
  })

  it('finishes although the change before was killed before it dropped its index', async () => {
    const next = wordEmbedder('next', 96)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
    await embedPending(test.db, next)
    const { id, dimensions: length } = await embeddingModel(test.db)
    await finishModelChange(test.db)
    const [definition] = await queryRows(
      test.db,
      sql`SELECT embedding_index_definition(${id}::integer, ${length}::integer) AS of`,
    )
    await test.db.execute(
      sql.raw(`CREATE INDEX memory_items_embedding_idx_old ON memory_items USING hnsw ${definition?.of}`),
    )
    const third = wordEmbedder('third', 200)
    await beginModelChange(test.db, { name: 'third', dimensions: 200 })
    await embedPending(test.db, third)
    // Who calls the function itself is told what to do; a transaction cannot do it.
    await expect(test.db.execute(sql`SELECT finish_model_change()`)).rejects.toMatchObject({
      cause: {
        code: '55000',
        message: expect.stringContaining('memory_items_embedding_idx_old, is still there'),
        hint: expect.stringContaining('DROP INDEX CONCURRENTLY'),
      },
    })
    expect(await finishModelChange(test.db)).toMatchObject({ name: 'third', switched: true })
    expect((await vectorIndexHealth(test.db)).leftovers).toEqual([])
  })

  it('refuses what cannot be', async () => {
    await expectRefusal(
      beginModelChange(test.db, { name: 'old', dimensions }),
      InvalidInputError,
      'another model',
      '"old"',
    )
    await expectRefusal(
      beginModelChange(test.db, { name: null as never, dimensions }),
      InvalidInputError,
      'null',
    )
    await expectRefusal(beginModelChange(test.db, { name: 'x', dimensions: 4001 }), InvalidInputError, '4001')
    const attempts: ((db: Database) => Promise<unknown>)[] = [
      (db) => beginModelChange(db, { name: 'x', dimensions: 3 }),
      (db) => finishModelChange(db),
      (db) => cancelModelChange(db),
      (db) => settleEmbeddings(db),
    ]
    for (const within of attempts) {
      await expectRefusal(test.db.transaction(within), InvalidInputError, 'got a transaction')
    }
    // The same name with other dimensions is another model: a shortened vector.
    await beginModelChange(test.db, { name: 'old', dimensions: dimensions / 2 })
    await embedPending(test.db, wordEmbedder('old', dimensions / 2))
    expect(await finishModelChange(test.db)).toMatchObject({ name: 'old', dimensions: dimensions / 2 })
  })
})
