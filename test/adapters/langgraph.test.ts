import { InMemoryStore, type Item, type Operation } from '@langchain/langgraph-checkpoint'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DatabaseStore } from '../../src/adapters/langgraph/index.ts'
import { type Embedder, EmbedderError, embedPending, InvalidInputError, remember } from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { clearMemories, embedding, expectRefusal } from '../support/fixtures.ts'
import { batch, byPlace, plain, readThenWrite, withItems } from './langgraph-operations.ts'

const everything = { namespacePrefix: [], limit: 1000, offset: 0 }

describeOnEachBackend('the store of LangGraph', (test) => {
  it('does what InMemoryStore does, batch for batch', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 3, maxLength: 15 }), async (batches) => {
        await clearMemories(test.db)
        // What is no item of the store is none of its business.
        await remember(test.db, { text: 'red', namespace: 'users/ana', tags: ['langgraph'] })
        const oracle = new InMemoryStore()
        const store = new DatabaseStore(test.db)
        for (const operations of batches) {
          const before = (await oracle.batch([everything]))[0] as Item[]
          const expected = await readThenWrite(oracle, operations as Operation[])
          const came = (await store.batch(operations as Operation[])) as unknown[]
          operations.forEach((operation, at) => {
            if ('value' in operation) expect(came[at]).toBeNull()
            else if ('namespacePrefix' in operation) {
              expect(byPlace(came[at] as Item[]), JSON.stringify(operation)).toEqual(
                byPlace(expected[at] as Item[]),
              )
            } else if ('key' in operation)
              expect(plain(came[at] as Item)).toEqual(plain(expected[at] as Item))
            else expect(came[at]).toEqual(withItems(expected[at] as string[][], before))
          })
        }
        const all = (await oracle.batch([everything]))[0] as Item[]
        expect(byPlace(await store.search([], { limit: 1000 }))).toEqual(byPlace(all))
        for (const labels of new Set(all.map((item) => JSON.stringify(item.namespace)))) {
          // Within a namespace in the order of creation, in both.
          const of = (items: Item[]) =>
            items.filter((item) => JSON.stringify(item.namespace) === labels).map(plain)
          expect(of(await store.search(JSON.parse(labels), { limit: 1000 }))).toEqual(of(all))
        }
      }),
      { numRuns: 40 },
    )
  })

  it('has exact namespaces', async () => {
    await clearMemories(test.db)
    const store = new DatabaseStore(test.db)
    await store.put(['users', 'ana'], 'k', { of: 'ana' })
    await store.put(['users', 'anabel'], 'k', { of: 'anabel' })
    await store.put(['users', 'ana', 'trips'], 'k', { of: 'trips' })
    const keysIn = async (prefix: string[]) =>
      (await store.search(prefix)).map(({ namespace }) => namespace.join(' ')).sort()
    expect(await keysIn(['users', 'ana'])).toEqual(['users ana', 'users ana trips'])
    expect(await keysIn(['users'])).toHaveLength(3)
    expect(await keysIn([])).toHaveLength(3)
    expect(await keysIn(['user'])).toEqual([])
    // What other stores take for a separator is part of a label here.
    const lists = [
      ['a', 'b:c'],
      ['a', 'b', 'c'],
      ['a:b', 'c'],
      ['a/b', 'c'],
      ['a', 'b/c'],
      ['a%2Fb', 'c'],
      ['a.b', 'c'],
    ]
    const puts = lists.map((labels, at) => ({ namespace: labels, key: 'k', value: { at } }))
    await store.batch(puts)
    for (const [at, labels] of lists.entries()) {
      const [item, found] = await store.batch([
        { namespace: labels, key: 'k' },
        { namespacePrefix: labels, limit: 10, offset: 0 },
      ] as Operation[])
      expect(item).toMatchObject({ namespace: labels, value: { at } })
      expect(found).toHaveLength(1)
    }
    expect(await store.listNamespaces({ maxDepth: 1, prefix: ['users'] })).toEqual([['users']])
    expect(await store.listNamespaces({ suffix: ['trips'] })).toEqual([['users', 'ana', 'trips']])
    expect(await store.listNamespaces({ prefix: ['users', '*'], limit: 1, offset: 1 })).toEqual([
      ['users', 'ana', 'trips'],
    ])
  })

  it('pages join, with and without a query', async () => {
    await clearMemories(test.db)
    const store = new DatabaseStore(test.db)
    const colours = ['red', 'blue', 'green', 'red red', 'blue red', 'black']
    await store.batch(
      colours.map((colour, at) => ({ namespace: ['n'], key: `k${at}`, value: { colour, at } })),
    )
    for (const options of [{}, { query: 'something red' }, { query: 'red', filter: { at: { $gte: 1 } } }]) {
      const whole = await store.search(['n'], { ...options, limit: 100 })
      const pages: Item[] = []
      for (let offset = 0; offset < colours.length; offset += 2) {
        pages.push(...(await store.search(['n'], { ...options, limit: 2, offset })))
      }
      expect(pages.map(({ key }) => key)).toEqual(whole.map(({ key }) => key))
    }
    const found = await store.search(['n'], { query: 'red' })
    expect(found.map(({ score }) => score !== undefined)).toEqual([true, true, true, false, false, false])
    expect(found.map(({ value }) => value.colour)).toEqual([
      'red red',
      'red',
      'blue red',
      'blue',
      'green',
      'black',
    ])
  })

  it('searches what it was told to, and no item that was not to be indexed', async () => {
    await clearMemories(test.db)
    const store = new DatabaseStore(test.db, { fields: ['title', 'chapters[*].text', 'authors[-1]'] })
    const value = {
      title: 'sea',
      chapters: [{ text: 'waves' }, { text: 'wind' }],
      authors: ['Ada', 'Bea'],
      body: 'hidden',
    }
    await store.put(['n'], 'fields', value)
    await store.put(['n'], 'paths', value, ['body'])
    await store.put(['n'], 'never', value, false)
    const found = async (query: string) =>
      (await store.search(['n'], { query })).filter(({ score }) => score !== undefined).map(({ key }) => key)
    for (const word of ['sea', 'waves', 'wind', 'Bea']) expect(await found(word)).toEqual(['fields'])
    expect(await found('hidden')).toEqual(['paths'])
    expect(await found('Ada')).toEqual([])
    await embedPending(
      test.db,
      embedderOf(() => 1),
    )
    expect(
      (await new DatabaseStore(test.db, { embedder: embedderOf(() => 1) }).search(['n'], { query: 'x' })).at(
        -1,
      ),
    ).toMatchObject({ key: 'never' })
    const big = { text: 'word '.repeat(40_000), emoji: '😀'.repeat(30_000) }
    await store.put(['n'], 'big', big)
    expect((await store.get(['n'], 'big'))?.value).toEqual(big)
  })

  it('ranks by meaning as InMemoryStore does, where words say nothing', async () => {
    await clearMemories(test.db)
    const seeds: Record<string, number> = {
      'text zero': 1,
      'text one': 1.1,
      'text two': 1.3,
      'text three': 5,
      question: 1.01,
    }
    const embedder = embedderOf((text) => seeds[text] as number)
    const vectorsOf = async (texts: string[]) => (await embedder.embed(texts)).map((vector) => [...vector])
    const embeddings = {
      embedQuery: async (text: string) => (await vectorsOf([text]))[0],
      embedDocuments: vectorsOf,
    }
    const index = { dims: 384, embeddings: embeddings as never, fields: ['text'] }
    const stores = [new InMemoryStore({ index }), new DatabaseStore(test.db, { embedder, fields: ['text'] })]
    const results = []
    for (const store of stores) {
      for (const text of ['text zero', 'text one', 'text two', 'text three'])
        await store.put(['n'], text, { text })
      await store.put(['other'], 'x', { text: 'text zero' })
      results.push((await store.search(['n'], { query: 'question', limit: 3 })).map(({ key }) => key))
    }
    expect(results[1]).toEqual(results[0])
    expect(results[1]).toHaveLength(3)
  })

  it('keeps items whose embedding failed, and says so', async () => {
    await clearMemories(test.db)
    const errors: EmbedderError[] = []
    const embedder: Embedder = {
      model: 'test',
      dimensions: 384,
      embed: () => Promise.reject(new Error('away')),
    }
    const store = new DatabaseStore(test.db, { embedder, onEmbedError: (error) => errors.push(error) })
    await store.put(['n'], 'k', { text: 'red' })
    expect(await store.search(['n'], { query: 'red' })).toMatchObject([
      { key: 'k', score: expect.any(Number) },
    ])
    expect(errors).toHaveLength(2)
    expect(errors[0]).toBeInstanceOf(EmbedderError)
  })

  it('refuses what cannot be stored or asked, and stores nothing of such a batch', async () => {
    await clearMemories(test.db)
    const store = new DatabaseStore(test.db)
    const good = { namespace: ['n'], key: 'good', value: { a: 1 } }
    for (const [bad, message] of [
      [{ namespace: ['n'], key: 'bad', value: { text: 'a\0b' } }, 'NUL'],
      [{ namespace: ['n'], key: 'b\0d', value: {} }, 'NUL'],
      [{ namespace: [], key: 'bad', value: {} }, 'namespace'],
      [{ namespace: ['x'.repeat(1100)], key: 'bad', value: {} }, 'namespace'],
      [{ namespace: ['n'], key: 'bad', value: [] as never }, 'object'],
    ] as const) {
      await expectRefusal(store.batch([good, bad] as Operation[]), InvalidInputError, message)
    }
    expect(await store.search([])).toEqual([])
    await expectRefusal(
      store.search(['n'], { filter: { a: { $regex: 'x' } } }),
      InvalidInputError,
      '$regex',
      '$nin',
    )
    await expectRefusal(store.search(['n'], { limit: -1 }), InvalidInputError, 'limit')
    expect(await store.get([], 'k')).toBeNull()
    expect(await store.get(['n'], 'nobody')).toBeNull()
    await store.delete(['n'], 'nobody')
    expect(await store.search(['n'], { limit: 0 })).toEqual([])
  })
})

describeOnServer('the store of LangGraph', (test) => {
  it('loses nothing when several write at once, and keeps one row a key', async () => {
    const { db } = await test.connectAgain(8)
    const store = new DatabaseStore(db)
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => store.put(['storm'], `k${at % 10}`, { at, shared: 'word' })),
    )
    const items = await store.search(['storm'], { limit: 100 })
    expect(items.map(({ key }) => key).sort()).toEqual(Array.from({ length: 10 }, (_, at) => `k${at}`))
    for (const { key, value } of items) expect(`k${value.at % 10}`).toBe(key)
  })
})

function embedderOf(seed: (text: string) => number): Embedder {
  return {
    model: 'test',
    dimensions: 384,
    embed: async (texts) => texts.map((text) => Float32Array.from(embedding(seed(text)))),
  }
}
