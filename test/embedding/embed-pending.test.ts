import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { embedPending } from '../../src/embedding/embed-pending.ts'
import { EmbedderError } from '../../src/errors.ts'
import { getMemory, remember, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'

const texts = (count: number) => Array.from({ length: count }, (_, at) => ({ text: `pending text ${at}` }))

describeOnEachBackend('embedPending', (test) => {
  let embedder = wordEmbedder()
  beforeEach(async () => {
    embedder = wordEmbedder()
    await test.db.execute(sql`TRUNCATE memory_items`)
  })

  it('embeds what has no vector, in batches, with progress, and leaves the rest alone', async () => {
    const rows = await rememberMany(test.db, { items: texts(25) })
    const kept = await remember(test.db, { text: 'has one', embedding: vectorOf('something else') })
    await remember(test.db, { text: 'gone', expiresAt: new Date(0) })
    const progress: [number, number][] = []
    const result = await embedPending(test.db, embedder, {
      batchSize: 10,
      onProgress: (...now) => progress.push(now),
    })
    expect(result).toEqual({ embedded: 25, failed: [], skipped: 0 })
    expect(progress.at(-1)).toEqual([25, 25])
    expect(embedder.calls.every((call) => call.length <= 10)).toBe(true)
    expect(embedder.calls.flat()).not.toContain('gone')
    for (const [at, { id }] of rows.entries()) {
      expect((await getMemory(test.db, { id }))?.embedding).toEqual(
        Array.from(vectorOf(`pending text ${at}`)),
      )
    }
    expect((await getMemory(test.db, { id: kept.id }))?.embedding).toEqual(
      Array.from(vectorOf('something else')),
    )
    embedder.calls = []
    expect(await embedPending(test.db, embedder)).toEqual({ embedded: 0, failed: [], skipped: 0 })
    expect(embedder.calls).toEqual([])
  })

  it('keeps to a limit and a namespace', async () => {
    await rememberMany(test.db, { items: texts(9).map((item) => ({ ...item, namespace: 'one' })) })
    await rememberMany(test.db, { items: texts(3).map((item) => ({ ...item, namespace: 'other' })) })
    expect(await embedPending(test.db, embedder, { limit: 4, batchSize: 3, namespace: 'one' })).toMatchObject(
      {
        embedded: 4,
      },
    )
    expect(await embedPending(test.db, embedder, { namespace: 'one' })).toMatchObject({ embedded: 5 })
    expect(await embedPending(test.db, embedder)).toMatchObject({ embedded: 3 })
  })

  it('lets a row that is refused block no other, and names it', async () => {
    const rows = await rememberMany(test.db, { items: [...texts(20), { text: 'poison' }] })
    embedder.fail = (batch) => {
      if (batch.includes('poison')) throw new EmbedderError('too odd')
    }
    for (const batchSize of [1, 8, 100]) {
      await test.db.execute(sql`UPDATE memory_items SET embedding = NULL`)
      const result = await embedPending(test.db, embedder, { batchSize })
      expect(result).toMatchObject({ embedded: 20, skipped: 0 })
      expect(result.failed).toEqual([
        { id: rows[20]?.id, error: expect.objectContaining({ message: 'too odd' }) },
      ])
      expect(result.stopped).toBeUndefined()
    }
  })

  it('ends when the service is down, and keeps what is done', async () => {
    await rememberMany(test.db, { items: texts(30) })
    embedder.fail = () => {
      if (embedder.calls.length > 2) throw new EmbedderError('down', { blames: 'service' })
    }
    const result = await embedPending(test.db, embedder, { batchSize: 10 })
    expect(result).toMatchObject({ embedded: 20, failed: [], skipped: 0, stopped: { message: 'down' } })
    embedder.fail = undefined
    expect(await embedPending(test.db, embedder)).toMatchObject({ embedded: 10 })
  })

  it('ends at a signal', async () => {
    await rememberMany(test.db, { items: texts(30) })
    const stop = new AbortController()
    const result = await embedPending(test.db, embedder, {
      batchSize: 10,
      onProgress: () => stop.abort(),
      signal: stop.signal,
    })
    expect(result.embedded).toBe(10)
    expect(result.stopped?.message).toContain('stopped by the caller')
  })

  it('never writes the vector of an old text', async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'a', text: 'old text' },
        { id: 'b', text: 'deleted' },
        { id: 'c', text: 'same' },
      ],
    })
    const original = embedder.embed
    embedder.embed = async (batch) => {
      const vectors = await original(batch)
      await remember(test.db, { id: 'a', text: 'new text' })
      await test.db.execute(sql`DELETE FROM memory_items WHERE id = 'b'`)
      return vectors
    }
    expect(await embedPending(test.db, embedder)).toEqual({ embedded: 1, failed: [], skipped: 2 })
    expect(await getMemory(test.db, { id: 'a' })).toMatchObject({ text: 'new text', embedding: null })
    embedder.embed = original
    expect(await embedPending(test.db, embedder)).toMatchObject({ embedded: 1 })
    expect((await getMemory(test.db, { id: 'a' }))?.embedding).toEqual(Array.from(vectorOf('new text')))
  })

  it('refuses what it cannot do', async () => {
    for (const wrong of [
      { batchSize: 0 },
      { batchSize: 1001 },
      { limit: 0 },
      { limit: 1.5 },
      { namespace: 'a\0' },
    ]) {
      await expect(embedPending(test.db, embedder, wrong)).rejects.toMatchObject({ code: 'invalid_input' })
    }
    await expect(embedPending(test.db, { ...embedder, dimensions: 3 })).rejects.toMatchObject({
      code: 'configuration',
    })
  })
})

describeOnServer('embedPending in several processes', (server) => {
  it('does all rows, beside writers, and no row twice over', async () => {
    await rememberMany(server.db, { items: texts(600).map((item, at) => ({ ...item, id: `row-${at}` })) })
    const runs = await Promise.all([
      server.connectAgain(2),
      server.connectAgain(2),
      server.connectAgain(2),
      server.connectAgain(2),
    ])
    const [writer] = runs
    const writing = (async () => {
      for (let at = 0; at < 600; at += 20)
        await remember(writer.db, { id: `row-${at}`, text: `changed text ${at}` })
    })()
    const results = await Promise.all(
      runs.map(({ db }) => embedPending(db, wordEmbedder(), { batchSize: 16 })),
    )
    await writing
    const last = await embedPending(server.db, wordEmbedder())
    const embedded = results.reduce((sum, result) => sum + result.embedded, last.embedded)
    expect(embedded).toBeGreaterThanOrEqual(600)
    for (const at of [0, 1, 20, 299, 300, 580, 599]) {
      const text = at % 20 === 0 ? `changed text ${at}` : `pending text ${at}`
      expect(await getMemory(server.db, { id: `row-${at}` })).toMatchObject({
        text,
        embedding: Array.from(vectorOf(text)),
      })
    }
  })

  it('does not wait for a writer', async () => {
    await server.db.execute(sql`TRUNCATE memory_items`)
    await rememberMany(server.db, {
      items: [
        { id: 'held', text: 'held' },
        { id: 'free', text: 'free' },
      ],
    })
    const other = await server.connectAgain(1)
    const result = await other.db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT 1 FROM memory_items WHERE id = 'held' FOR UPDATE`)
      return embedPending(server.db, wordEmbedder())
    })
    expect(result).toEqual({ embedded: 1, failed: [], skipped: 1 })
  })
})
