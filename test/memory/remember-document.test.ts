import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import {
  bm25Search,
  countMemories,
  forget,
  forgetDocument,
  getMemories,
  InvalidInputError,
  listMemories,
  recall,
  recallDocuments,
  remember,
  rememberDocument,
} from '../../src/index.ts'
import { splitDocument } from '../../src/memory/split-document.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { wordEmbedder } from '../support/embedding-server.ts'
import { clearMemories, expectRefusal, idsOf } from '../support/fixtures.ts'

const paragraph = (number: number) =>
  `Paragraph ${number} says that the quick brown fox number ${number * 7} jumps. It is followed by another sentence, of the weather on day ${number}.`
const pages = (count: number) => Array.from({ length: count }, (_, at) => paragraph(at + 1))

it('splits at paragraphs, sentences and words, and loses nothing but white space', () => {
  expect(splitDocument('One.\n\nTwo.', 1000)).toEqual(['One.\n\nTwo.'])
  expect(splitDocument('  \n\n  ', 1000)).toEqual([])
  const sentence = 'Here is a sentence of forty characters. '
  expect(splitDocument(sentence.repeat(5), 100)).toEqual([
    sentence.repeat(2).trim(),
    sentence.repeat(2).trim(),
    sentence.trim(),
  ])
  expect(splitDocument('x'.repeat(250), 100)).toEqual(['x'.repeat(100), 'x'.repeat(100), 'x'.repeat(50)])
  const squeezed = (text: string) => text.replace(/\s+/g, '')
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.lorem({ mode: 'sentences' }), fc.string({ unit: 'grapheme' }), fc.constant('\n\n')),
        { size: 'large' },
      ),
      fc.integer({ min: 100, max: 400 }),
      (some, longest) => {
        const text = some.join(' ')
        const parts = splitDocument(text, longest)
        expect(squeezed(parts.join(''))).toBe(squeezed(text))
        expect(Math.max(0, ...parts.map((part) => part.length))).toBeLessThanOrEqual(longest)
        expect(parts.every((part) => part === part.trim() && part !== '')).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
})

describeOnEachBackend('rememberDocument', (test) => {
  beforeEach(() => clearMemories(test.db))

  it('keeps a long text in parts that the embedder can read, in their order', async () => {
    const embedder = Object.assign(wordEmbedder(), { maxTokens: 100 })
    const text = pages(60).join('\n\n')
    const result = await rememberDocument(test.db, { documentId: 'book', text, embedder, tags: ['books'] })
    expect(result).toMatchObject({ added: result.parts.length, kept: 0, removed: 0, embedded: true })
    expect(result.parts.length).toBeGreaterThan(20)
    expect(embedder.calls.flat().every((part) => part.length <= 300)).toBe(true)
    const stored = await getMemories(test.db, { ids: idsOf(result.parts) })
    expect(stored.map((part) => part?.documentPlace)).toEqual([...stored.keys()])
    expect(stored.every((part) => part?.documentId === 'book' && part.embedding !== null)).toBe(true)
    expect(stored.map((part) => part?.text).join('\n\n')).toBe(text)
    expect(idsOf(await bm25Search(test.db, { queryText: 'paragraph 17', k: 1 }))).toEqual([
      stored.find((part) => /Paragraph 17 /.test(part?.text ?? ''))?.id,
    ])
  })

  it('replaces the parts that changed, and leaves the others as they are', async () => {
    const embedder = Object.assign(wordEmbedder(), { maxCharacters: 600 })
    const before = pages(100)
    const first = await rememberDocument(test.db, { documentId: 'book', text: before.join('\n\n'), embedder })
    const [kept] = await getMemories(test.db, { ids: [first.parts[0]?.id ?? ''] })
    embedder.calls = []
    const after = [...before.slice(0, 40), 'A new paragraph.', ...before.slice(40)].join('\n\n')
    const second = await rememberDocument(test.db, { documentId: 'book', text: after, embedder })
    expect(second.added).toBeLessThanOrEqual(4)
    expect(second.kept).toBeGreaterThan(first.parts.length - 5)
    expect(second.added + second.kept).toBe(second.parts.length)
    expect(second.removed).toBe(first.parts.length - second.kept)
    expect(embedder.calls.flat()).toHaveLength(second.added)
    expect(await getMemories(test.db, { ids: [kept?.id ?? ''] })).toEqual([kept])
    const { items } = await listMemories(test.db, { limit: 1000 })
    expect(items).toHaveLength(second.parts.length)
    const inOrder = [...items].sort((one, other) => Number(one.documentPlace) - Number(other.documentPlace))
    expect(inOrder.map(({ text }) => text)).toEqual(second.parts.map(({ text }) => text))
    expect(await rememberDocument(test.db, { documentId: 'book', text: after, embedder })).toMatchObject({
      added: 0,
      removed: 0,
    })
  })

  it('keeps 140 KB, and says the same paragraph as often as the text does', async () => {
    const text = `${'The same words again.\n\n'.repeat(7000)}`
    const { parts } = await rememberDocument(test.db, { documentId: 'long', text })
    expect(new Set(idsOf(parts)).size).toBe(parts.length)
    expect(await countMemories(test.db)).toBe(parts.length)
    expect(await forgetDocument(test.db, { documentId: 'long', namespace: 'other' })).toBe(0)
    expect(await forgetDocument(test.db, { documentId: 'long' })).toBe(parts.length)
    expect(await countMemories(test.db)).toBe(0)
  })

  it('loses nothing to a failing embedder, and is no memory of the same text', async () => {
    const embedder = wordEmbedder()
    embedder.fail = () => {
      throw new Error('down')
    }
    const result = await rememberDocument(test.db, { documentId: 'd', text: 'Ana likes tea', embedder })
    expect(result).toMatchObject({
      added: 1,
      embedded: false,
      embedError: { message: expect.stringContaining('down') },
    })
    const own = await remember(test.db, { text: 'Ana likes tea' })
    expect(own).toMatchObject({ created: true })
    await rememberDocument(test.db, { documentId: 'd', text: 'Ana likes coffee' })
    expect((await getMemories(test.db, { ids: [own.id] }))[0]?.text).toBe('Ana likes tea')
    await forget(test.db, { ids: [own.id] })
  })

  it('is found once by recallDocuments, by its best part, until k are found', async () => {
    for (const documentId of ['one', 'two', 'three']) {
      const text = pages(80)
        .map((each) => `${documentId} ${each}`)
        .join('\n\n')
      await rememberDocument(test.db, {
        documentId,
        text,
        maxCharacters: 100,
        namespace: documentId === 'three' ? 'b' : 'a',
      })
    }
    await rememberDocument(test.db, {
      documentId: 'one',
      text: 'brown fox in another namespace',
      namespace: 'b',
    })
    await remember(test.db, { id: 'alone', text: 'a fox' })
    const question = 'brown fox jumps'
    const documents = await recallDocuments(test.db, { question, k: 5 })
    expect(documents.map(({ documentId }) => documentId).sort()).toEqual(
      ['one', 'one', 'three', 'two', null].sort(),
    )
    const [best] = await recall(test.db, { question, k: 1 })
    expect(documents[0]).toMatchObject({ id: best?.id, combinedScore: best?.combinedScore })
    expect(await recallDocuments(test.db, { question, k: 2, namespace: 'a' })).toHaveLength(2)
  })

  it('refuses what it cannot keep', async () => {
    const refused = (options: object, message: string) =>
      expectRefusal(
        rememberDocument(test.db, { documentId: 'd', text: 'x', ...options }),
        InvalidInputError,
        message,
      )
    await refused({ text: ' \n ' }, 'white space')
    await refused({ documentId: '' }, 'documentId')
    await refused({ maxCharacters: 5 }, 'maxCharacters')
    await refused({ namespcae: 'ana' }, 'namespcae')
    await refused({ namespace: undefined }, 'namespace must not be undefined')
  })
})
