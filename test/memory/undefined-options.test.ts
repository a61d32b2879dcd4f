import { expect, it } from 'vitest'
import * as opa from '../../src/index.ts'
import {
  countMemories,
  createMemory,
  erase,
  exportMemories,
  forget,
  getMemories,
  getMemory,
  InvalidInputError,
  listMemories,
  memoryHistory,
  proveErased,
  pruneExpired,
  recall,
  remember,
  rememberMany,
  supersede,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { embedding, expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('a key that is present and undefined, or misspelt', (test) => {
  /** What a caller without the compiler sends: any object. */
  type Loose = never
  const missing = undefined as unknown as string
  const calls: Record<string, (options: Record<string, unknown>) => Promise<unknown>> = {
    recall: (options) => recall(test.db, { question: 'secret', ...options } as Loose),
    bm25Search: (options) => opa.bm25Search(test.db, { queryText: 'secret', ...options } as Loose),
    vectorSearch: (options) =>
      opa.vectorSearch(test.db, { queryEmbedding: embedding(1), ...options } as Loose),
    hybridSearch: (options) => opa.hybridSearch(test.db, { queryText: 'secret', ...options } as Loose),
    explainSearch: (options) => opa.explainSearch(test.db, { queryText: 'secret', ...options } as Loose),
    forget: (options) => forget(test.db, { ids: ['m'], ...options } as Loose),
    getMemory: (options) => getMemory(test.db, { id: 'm', ...options } as Loose),
    getMemories: (options) => getMemories(test.db, { ids: ['m'], ...options } as Loose),
    listMemories: (options) => listMemories(test.db, options),
    countMemories: (options) => countMemories(test.db, options),
    pruneExpired: (options) => pruneExpired(test.db, options),
    remember: (options) => remember(test.db, { text: 'x', ...options } as Loose),
    rememberMany: (options) =>
      rememberMany(test.db, { items: [{ text: 'x' }, { text: 'y', ...options }] } as Loose),
    supersede: (options) => supersede(test.db, { id: 'm', text: 'x', ...options } as Loose),
    memoryHistory: (options) => memoryHistory(test.db, { id: 'm', ...options } as Loose),
    erase: (options) => erase(test.db, { speakerId: 'nobody', ...options } as Loose),
    proveErased: (options) => proveErased(test.db, { speakerId: 'nobody', ...options } as Loose),
    exportMemories: (options) => exportMemories(test.db, { speakerId: 'nobody', ...options } as Loose).next(),
    embedPending: (options) => opa.embedPending(test.db, embedder, options),
    'createMemory().remember': (options) => memory().remember({ text: 'x', ...options } as Loose),
    'createMemory().recall': (options) => memory().recall('secret', options),
    'createMemory().embedPending': (options) => memory().embedPending(options),
  }
  const embedder = {
    model: 'm',
    dimensions,
    embed: async (texts: readonly string[]) => texts.map(() => Float32Array.from(embedding(1))),
  }
  const memory = () => createMemory(test.db, embedder)

  it.each(Object.keys(calls))('%s', async (name) => {
    await test.db.execute(
      `INSERT INTO memory_items (id, namespace, text) VALUES ('m', 'other tenant', 'secret') ON CONFLICT DO NOTHING`,
    )
    const call = calls[name] as (options: Record<string, unknown>) => Promise<unknown>
    await expectRefusal(call({ namespace: missing }), InvalidInputError, /namespace/)
    await expectRefusal(call({ namespcae: 'ana' }), InvalidInputError, 'namespcae', 'expected only')
    if (/recall|Search|listM|countM/.test(name)) {
      await expectRefusal(call({ filter: { namespace: missing } }), InvalidInputError, 'filter.namespace')
      await expectRefusal(call({ filter: { namespcae: 'ana' } }), InvalidInputError, 'namespcae')
      await expectRefusal(
        call({ filter: { where: { speakerId: { eq: missing } } } }),
        InvalidInputError,
        'filter.where.speakerId.eq',
      )
      await expectRefusal(
        call({ filter: { asOf: { known: missing } } }),
        InvalidInputError,
        'filter.asOf.known',
      )
    }
    expect(await getMemory(test.db, { id: 'm' })).toMatchObject({ text: 'secret', namespace: 'other tenant' })
  })

  it('createMemory itself', async () => {
    await expectRefusal(
      () => createMemory(test.db, embedder, { namespace: missing }),
      InvalidInputError,
      'namespace',
    )
    await expectRefusal(
      () => createMemory(test.db, embedder, { namespcae: 'ana' } as Loose),
      InvalidInputError,
      'namespcae',
    )
  })
})
