import { beforeEach, expect, it } from 'vitest'
import { type Embedder, embedEach } from '../../src/embedding/embedder.ts'
import { ConfigurationError, EmbedderError } from '../../src/errors.ts'
import { countMemories, getMemory } from '../../src/index.ts'
import { createMemory } from '../../src/memory/create-memory.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'
import { expectRefusal } from '../support/fixtures.ts'

const refuse =
  (word: string, options?: ConstructorParameters<typeof EmbedderError>[1]) => (texts: readonly string[]) => {
    if (texts.some((text) => text.includes(word))) throw new EmbedderError(`refused ${word}`, options)
  }

describeOnEachBackend('createMemory', (test) => {
  const embedder = wordEmbedder()
  beforeEach(() => {
    embedder.calls = []
    embedder.fail = undefined
  })

  it('embeds what it remembers and what it is asked', async () => {
    const memory = createMemory(test.db, embedder, { namespace: 'ana' })
    const first = await memory.remember('Ana prefers window seats')
    expect(first).toMatchObject({ created: true, embedded: true })
    expect(first.embedError).toBeUndefined()
    const stored = await getMemory(test.db, { id: first.id })
    expect(stored).toMatchObject({ namespace: 'ana', text: 'Ana prefers window seats' })
    expect(stored?.embedding).toEqual(Array.from(vectorOf('Ana prefers window seats')))
    await memory.remember({ text: 'Bob likes the aisle', namespace: 'bob', tags: ['travel'] })

    const { memories, embedded } = await memory.recall('Which seats does Ana like?')
    expect(embedded).toBe(true)
    expect(memories.map(({ text }) => text)).toEqual(['Ana prefers window seats'])
    expect(memories[0]?.vectorScore).toBeGreaterThan(0)
    const other = await memory.recall('aisle', { namespace: 'bob', tags: ['travel'], k: 1 })
    expect(other.memories.map(({ text }) => text)).toEqual(['Bob likes the aisle'])
  })

  it('does not embed again what brings its vector', async () => {
    const memory = createMemory(test.db, embedder)
    const vector = vectorOf('something else')
    const { id, embedded } = await memory.remember({ text: 'brings its own', embedding: vector })
    expect(embedded).toBe(true)
    expect(embedder.calls).toEqual([])
    expect((await getMemory(test.db, { id }))?.embedding).toEqual(Array.from(vector))
  })

  it('never loses a text to the embedder', async () => {
    const memory = createMemory(test.db, embedder, { namespace: 'lost' })
    const failures: [Embedder['embed'], RegExp][] = [
      [() => Promise.reject(new Error('boom')), /the model "words" failed: boom/],
      [async () => [], /one vector a text, 1, got 0/],
      [async () => [new Float32Array(dimensions)], /with a direction/],
      [async () => [new Float32Array(dimensions).fill(Number.NaN)], /finite numbers/],
    ]
    for (const [at, [embed, message]] of failures.entries()) {
      const failing = createMemory(test.db, { ...embedder, embed }, { namespace: 'lost' })
      const result = await failing.remember(`text number ${at}`)
      expect(result).toMatchObject({ created: true, embedded: false })
      expect(result.embedError).toBeInstanceOf(EmbedderError)
      expect(result.embedError?.message).toMatch(message)
      expect(await getMemory(test.db, { id: result.id })).toMatchObject({
        text: `text number ${at}`,
        embedding: null,
      })
    }
    expect(await memory.embedPending()).toMatchObject({ embedded: failures.length, failed: [], skipped: 0 })
  })

  it('throws at once, and writes nothing, if the embedder cannot work as it is set up', async () => {
    const failures: [Embedder['embed'], RegExp][] = [
      [() => Promise.reject(new ConfigurationError('the package is not installed')), /not installed/],
      [async (texts) => texts.map(() => new Float32Array(3)), new RegExp(`${dimensions} dimensions, got 3`)],
    ]
    for (const [embed, message] of failures) {
      const memory = createMemory(test.db, { ...embedder, embed }, { namespace: 'set up' })
      await expect(memory.remember('never stored')).rejects.toThrow(message)
      await expect(memory.remember('never stored')).rejects.toBeInstanceOf(ConfigurationError)
      await expect(memory.rememberMany(['never', 'stored'])).rejects.toThrow(message)
      await expect(memory.recall('never')).rejects.toThrow(message)
    }
    expect(await countMemories(test.db, { namespace: 'set up' })).toBe(0)
  })

  it('keeps the text when the caller stops the embedding', async () => {
    const slow = {
      ...embedder,
      embed: () => new Promise<never>((_, stop) => setTimeout(stop, 20, new Error('late'))),
    }
    const memory = createMemory(test.db, slow)
    const result = await memory.remember('in a hurry', { signal: AbortSignal.timeout(1) })
    expect(result).toMatchObject({ embedded: false, embedError: { blames: 'service' } })
    expect(result.embedError?.message).toContain('stopped by the caller')
    expect(await getMemory(test.db, { id: result.id })).toMatchObject({ text: 'in a hurry' })
  })

  it('remembers many, and one that is refused spoils no other', async () => {
    const memory = createMemory(test.db, embedder, { namespace: 'many' })
    embedder.fail = refuse('poison')
    const texts = Array.from({ length: 40 }, (_, at) => (at === 13 ? 'poison' : `note ${at}`))
    const results = await memory.rememberMany(texts)
    expect(results.map(({ embedded }) => embedded)).toEqual(texts.map((text) => text !== 'poison'))
    expect(results[13]?.embedError?.message).toBe('refused poison')
    // Halving finds one among 40 in few calls.
    expect(embedder.calls.length).toBeLessThan(15)
    expect(
      await Promise.all(results.map(async ({ id }) => (await getMemory(test.db, { id }))?.text)),
    ).toEqual(texts)
  })

  it('asks a service that is down once', async () => {
    const memory = createMemory(test.db, embedder)
    embedder.fail = () => {
      throw new EmbedderError('down', { blames: 'service' })
    }
    const results = await memory.rememberMany(
      Array.from({ length: 600 }, (_, at) => `row ${at} of the outage`),
    )
    expect(results.every(({ embedded }) => !embedded)).toBe(true)
    expect(embedder.calls).toHaveLength(1)
  })

  it('recalls by keyword, and says so, when the embedder fails, whatever the weights', async () => {
    const options = {
      namespace: 'weights',
      fusion: { fusion: 'convex', bm25Weight: 0, vectorWeight: 1 },
    } as const
    const memory = createMemory(test.db, embedder, options)
    await memory.rememberMany([
      'the boiler was serviced in May',
      'the bicycle has a flat tyre',
      'boiler, boiler, boiler',
    ])
    embedder.fail = refuse('boiler')
    const { memories, embedded, embedError } = await memory.recall('boiler serviced')
    expect({ embedded, message: embedError?.message }).toEqual({ embedded: false, message: 'refused boiler' })
    expect(memories.map(({ text }) => text)).toEqual([
      'the boiler was serviced in May',
      'boiler, boiler, boiler',
    ])
    expect(memories[0]?.combinedScore).toBeGreaterThan(memories[1]?.combinedScore ?? 1)
  })

  it('passes the weights on', async () => {
    const byMeaning = createMemory(test.db, embedder, {
      fusion: { fusion: 'convex', bm25Weight: 0, vectorWeight: 1 },
    })
    await byMeaning.remember('a row for the weights')
    const [best] = (await byMeaning.recall('a row for the weights')).memories
    expect(best?.text).toBe('a row for the weights')
    expect(best?.combinedScore).toBeCloseTo(1, 6)
  })

  it('refuses what the helpers refuse, and an embedder that does not fit', async () => {
    const memory = createMemory(test.db, embedder)
    await expect(memory.remember('')).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(memory.remember(7 as unknown as string)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(memory.recall('x', { k: 0 })).rejects.toMatchObject({ code: 'invalid_input' })
    expect(() => createMemory(test.db, [])).toThrow(ConfigurationError)
    const wide = createMemory(test.db, { ...embedder, dimensions: 999 })
    for (const attempt of [
      () => wide.remember('wide'),
      () => wide.recall('wide'),
      () => wide.embedPending(),
    ]) {
      await expectRefusal(
        attempt,
        ConfigurationError,
        `${dimensions} dimensions`,
        'got 999 dimensions of model "words"',
      )
    }
  })
})

describeOnEachBackend('embedEach', () => {
  it('stops trying when nothing can be embedded', async () => {
    const embedder = wordEmbedder()
    embedder.fail = () => {
      throw new Error('always')
    }
    const results = await embedEach(
      embedder,
      Array.from({ length: 500 }, (_, at) => `text ${at}`),
    )
    expect(results.every((result) => result instanceof EmbedderError)).toBe(true)
    expect(embedder.calls.length).toBeLessThan(60)
    expect(await embedEach(embedder, [])).toEqual([])
  })
})
