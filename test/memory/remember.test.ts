import { beforeEach, expect, it } from 'vitest'
import { ConflictError, getMemory, InvalidInputError, memoryId, remember } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { clearMemories, embedding, expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('remember', (test) => {
  beforeEach(() => clearMemories(test.db))
  const kept = async (id: string) => {
    const memory = await getMemory(test.db, { id })
    if (memory === null) throw new Error(`${id} is not there`)
    return memory
  }

  it('keeps a memory under the id of its content, once', async () => {
    const memory = { text: 'Ana prefers window seats', tags: ['travel', 'ana'] }
    const first = await remember(test.db, memory)
    const again = await remember(test.db, { ...memory, tags: ['ana', 'travel', 'ana'] })
    expect(first).toEqual({ id: memoryId('default', memory.text, memory.tags), created: true })
    expect(again).toEqual({ id: first.id, created: false })
    const elsewhere = await remember(test.db, { ...memory, namespace: 'ana' })
    expect(elsewhere).toEqual({ id: memoryId('ana', memory.text, memory.tags), created: true })
  })

  it('fills what is not given with the defaults of the table', async () => {
    const { id } = await remember(test.db, { text: 'only a text' })
    const { createdAt, updatedAt, ...memory } = await kept(id)
    expect(memory).toEqual({
      id,
      namespace: 'default',
      text: 'only a text',
      tags: [],
      speakerId: null,
      metadata: {},
      embedding: null,
      importance: 0.5,
      expiresAt: null,
      validFrom: null,
      validTo: null,
      supersededAt: null,
      supersededBy: null,
      documentId: null,
      documentPlace: null,
    })
    expect(Math.abs(createdAt.getTime() - Date.now())).toBeLessThan(60_000)
    expect(updatedAt).toEqual(createdAt)
  })

  it('keeps everything that is given', async () => {
    const given = {
      id: 'my own',
      namespace: 'ana',
      text: 'it\'s \\ "quoted" 50% $1 日本 😀',
      tags: ['a,b', '{"x"}', 'ünï', ''],
      speakerId: 's1',
      metadata: { deep: { list: [1, null, '😀'] }, 'a"b': "c'd" },
      embedding: embedding(3),
      importance: 0.25,
      expiresAt: new Date('2999-01-01T00:00:00Z'),
      createdAt: new Date('2020-02-29T12:00:00.123Z'),
      validFrom: new Date('2020-01-01T00:00:00.001Z'),
      validTo: new Date('2021-01-01T00:00:00Z'),
    }
    expect(await remember(test.db, given)).toEqual({ id: 'my own', created: true })
    const { updatedAt: _, embedding: vector, ...memory } = await kept('my own')
    const { embedding: givenVector, ...rest } = given
    expect(memory).toMatchObject(rest)
    for (const [at, value] of givenVector.entries()) expect(vector?.[at]).toBeCloseTo(value, 5)
  })

  it('takes embeddings as arrays and typed arrays, of any length that squares in single precision', async () => {
    for (const vector of [embedding(1), new Float32Array(embedding(1)), new Float64Array(embedding(1))]) {
      await remember(test.db, { id: 'v', text: 'vector', embedding: vector })
      expect((await kept('v')).embedding).toHaveLength(dimensions)
    }
    for (const scale of [1e-14, 1e13]) {
      await remember(test.db, {
        id: 'v',
        text: 'vector',
        embedding: embedding(1).map((value) => value * scale),
      })
    }
  })

  it('keeps on an existing row what is not given, or null', async () => {
    const full = {
      id: 'x',
      text: 'same',
      namespace: 'ana',
      tags: ['t'],
      speakerId: 's',
      metadata: { a: 1 },
      embedding: embedding(1),
      importance: 0.9,
      expiresAt: '2999-01-01T00:00:00.000Z',
      createdAt: '2020-01-01T00:00:00.000Z',
    }
    await remember(test.db, full)
    const before = await kept('x')
    expect(await remember(test.db, { id: 'x', text: 'same', namespace: 'ana' })).toEqual({
      id: 'x',
      created: false,
    })
    expect(await kept('x')).toEqual(before)
    await remember(test.db, {
      id: 'x',
      text: 'same',
      namespace: 'ana',
      embedding: null,
      speakerId: null,
      expiresAt: null,
    })
    expect(await kept('x')).toEqual(before)
    await remember(test.db, {
      id: 'x',
      text: 'same',
      namespace: 'ana',
      importance: 0,
      tags: [],
      metadata: {},
    })
    expect(await kept('x')).toMatchObject({ importance: 0, tags: [], metadata: {}, speakerId: 's' })
    expect((await kept('x')).embedding).not.toBeNull()
  })

  it('drops the embedding when the text under an own id changed and no new one came', async () => {
    await remember(test.db, { id: 'x', text: 'old', embedding: embedding(1) })
    await remember(test.db, { id: 'x', text: 'new' })
    expect(await kept('x')).toMatchObject({ text: 'new', embedding: null })
    await remember(test.db, { id: 'x', text: 'newer', embedding: embedding(2) })
    expect((await kept('x')).embedding?.[0]).toBeCloseTo(embedding(2)[0] as number, 5)
    await remember(test.db, { id: 'x', text: 'newer', embedding: embedding(3) })
    expect((await kept('x')).embedding?.[0]).toBeCloseTo(embedding(3)[0] as number, 5)
  })

  it('refuses an id that belongs to another namespace, and leaves its row alone', async () => {
    await remember(test.db, { id: 'x', text: 'of ana', namespace: 'ana' })
    await expectRefusal(
      remember(test.db, { id: 'x', text: 'stolen', namespace: 'bob' }),
      ConflictError,
      '"x"',
      '"bob"',
    )
    expect(await kept('x')).toMatchObject({ text: 'of ana', namespace: 'ana' })
  })

  it('joins the transaction of the caller, and a refusal inside leaves that usable', async () => {
    await test.db
      .transaction(async (transaction) => {
        await remember(transaction, { id: 'gone', text: 'rolled back' })
        transaction.rollback()
      })
      .catch(() => {})
    expect(await getMemory(test.db, { id: 'gone' })).toBeNull()
    await remember(test.db, { id: 'x', text: 'of ana', namespace: 'ana' })
    await test.db.transaction(async (transaction) => {
      await expectRefusal(remember(transaction, { id: 'x', text: 'no' }), ConflictError)
      await remember(transaction, { id: 'y', text: 'yes' })
    })
    expect(await kept('y')).toMatchObject({ text: 'yes' })
  })

  it.each([
    ['an empty text', { text: '' }, ['text', '1 to 65536', 'got 0']],
    ['a text one byte too long', { text: 'x'.repeat(65_537) }, ['text', '65536', '65537']],
    ['a text too long in bytes, not in characters', { text: 'é'.repeat(32_769) }, ['text', '65538']],
    ['no text', { text: undefined }, ['text must be a string', 'undefined']],
    ['a number as text', { text: 5 }, ['text must be a string', 'number']],
    ['a NUL', { text: 'a\0b' }, ['text', 'NUL', 'position 1']],
    ['a lone surrogate', { text: 'a\ud800' }, ['text', 'surrogate']],
    ['an empty id', { text: 'x', id: '' }, ['id', 'got 0']],
    ['a long id', { text: 'x', id: 'i'.repeat(1025) }, ['id', '1024', '1025']],
    ['an empty namespace', { text: 'x', namespace: '' }, ['namespace', 'got 0']],
    ['tags that are no array', { text: 'x', tags: 'a' }, ['tags must be an array of strings', 'string']],
    ['a null among the tags', { text: 'x', tags: ['a', null] }, ['tags[1]', 'null']],
    ['a hole among the tags', { text: 'x', tags: new Array(1) }, ['tags[0]', 'undefined']],
    ['metadata that is an array', { text: 'x', metadata: [1] }, ['metadata must be an object', 'array']],
    ['metadata that is null', { text: 'x', metadata: null }, ['metadata must be an object', 'null']],
    ['metadata that is a Date', { text: 'x', metadata: new Date(0) }, ['metadata must be an object', '1970']],
    ['a NUL in metadata', { text: 'x', metadata: { a: '\0' } }, ['metadata', 'NUL', '\\u0000']],
    ['half of a pair in metadata', { text: 'x', metadata: { '\ud800': 1 } }, ['metadata', '\\ud800']],
    ['a BigInt in metadata', { text: 'x', metadata: { a: 1n } }, ['metadata', 'BigInt']],
    ['importance above 1', { text: 'x', importance: 1.01 }, ['importance', '0 to 1', '1.01']],
    ['importance below 0', { text: 'x', importance: -1 }, ['importance', '0 to 1', '-1']],
    ['importance NaN', { text: 'x', importance: Number.NaN }, ['importance', 'NaN']],
    ['importance as text', { text: 'x', importance: '0.5' }, ['importance', '0.5']],
    ['a time that is none', { text: 'x', expiresAt: 'tomorrow' }, ['expiresAt', 'ISO 8601', 'tomorrow']],
    [
      'an invalid Date',
      { text: 'x', createdAt: new Date(Number.NaN) },
      ['createdAt', 'ISO 8601', 'Invalid Date'],
    ],
    ['a time of another format', { text: 'x', createdAt: '1/2/2024' }, ['createdAt', 'ISO 8601', '1/2/2024']],
    ['a day that is none', { text: 'x', createdAt: '2024-02-31' }, ['2024-02-31']],
    [
      'a dimension too few',
      { text: 'x', embedding: new Array(dimensions - 1).fill(1) },
      ['embedding', `${dimensions} dimensions`, `${dimensions - 1}`],
    ],
    [
      'an embedding that is text',
      { text: 'x', embedding: '[1]' },
      ['embedding', 'array of numbers', 'string'],
    ],
    ['a zero vector', { text: 'x', embedding: new Float32Array(dimensions) }, ['embedding', 'zero vector']],
    [
      'NaN',
      { text: 'x', embedding: [...embedding(1).slice(1), Number.NaN] },
      ['embedding', `NaN at position ${dimensions - 1}`],
    ],
    [
      'infinity',
      { text: 'x', embedding: [1e39, ...embedding(1).slice(1)] },
      ['embedding', '1e+39 at position 0'],
    ],
    [
      'text among the numbers',
      { text: 'x', embedding: ['1', ...embedding(1).slice(1)] },
      ['embedding', 'position 0'],
    ],
    ['BigInts', { text: 'x', embedding: new BigInt64Array(dimensions) }, ['embedding', 'finite numbers']],
    [
      'a huge vector',
      { text: 'x', embedding: embedding(1).map((value) => value * 1e30) },
      ['embedding', '1e15', 'e+31'],
    ],
    [
      'a tiny vector',
      { text: 'x', embedding: embedding(1).map((value) => value * 1e-30) },
      ['embedding', '1e-15', 'e-29'],
    ],
  ])('refuses %s, and says what it expected and what came', async (_, memory, parts) => {
    await expectRefusal(() => remember(test.db, memory as never), InvalidInputError, ...parts)
    expect(await test.db.$count((await import('../../src/schema/index.ts')).memoryItems)).toBe(0)
  })
})
