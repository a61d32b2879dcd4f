import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type OpenaiEmbedderOptions, openaiEmbedder } from '../../src/embedding/openai-embedder.ts'
import { ConfigurationError, EmbedderError, InvalidInputError } from '../../src/errors.ts'
import {
  answer,
  type Behaviour,
  type EmbeddingServer,
  embeddings,
  startEmbeddingServer,
  vectorOf,
} from '../support/embedding-server.ts'

describe('openaiEmbedder', () => {
  let server: EmbeddingServer
  beforeAll(async () => {
    server = await startEmbeddingServer()
  })
  afterAll(() => server.close())
  beforeEach(() => {
    server.requests.length = 0
    server.script()
    server.always(undefined)
  })
  const embedder = (options: Partial<OpenaiEmbedderOptions> = {}) =>
    openaiEmbedder({ url: server.url, model: 'tiny', backoffMs: 1, ...options })
  const status =
    (code: number, headers: Record<string, string> = {}): Behaviour =>
    (_, response) =>
      answer(response, code, { error: { message: `told to answer ${code}` } }, headers)

  it('asks in batches, with the key, the model and the encoding, and keeps the order', async () => {
    const texts = Array.from({ length: 7 }, (_, at) => `text ${at}`)
    const vectors = await embedder({ apiKey: 'secret', batchSize: 3 }).embed(texts)
    expect(vectors).toEqual(texts.map((text) => vectorOf(text)))
    expect(server.requests.map(({ body }) => body.input.length)).toEqual([3, 3, 1])
    expect(server.requests[0]).toMatchObject({
      path: '/v1/embeddings',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      body: { model: 'tiny', encoding_format: 'float' },
    })
    expect(server.requests[0]?.body.dimensions).toBeUndefined()
    expect(await embedder().embed([])).toEqual([])
  })

  it('reads base64, asks for shortened vectors, sends headers, takes the full address', async () => {
    const more = { encoding: 'base64', sendDimensions: true, headers: { 'x-tenant': 'ana' } } as const
    const vectors = await embedder({ ...more, url: `${server.url}/embeddings/` }).embed(['first', 'second'])
    expect(vectors).toEqual([vectorOf('first'), vectorOf('second')])
    expect(server.requests[0]).toMatchObject({
      path: '/v1/embeddings',
      headers: { 'x-tenant': 'ana' },
      body: { encoding_format: 'base64', dimensions: 384 },
    })
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('puts what comes in another order where it belongs, and trusts the order where no index is given', async () => {
    server.script((request, response) => answer(response, 200, { data: embeddings(request).reverse() }))
    expect(await embedder().embed(['a', 'b', 'c'])).toEqual(['a', 'b', 'c'].map((text) => vectorOf(text)))
    server.script((request, response) =>
      answer(response, 200, { data: embeddings(request).map(({ embedding }) => ({ embedding })) }),
    )
    expect(await embedder().embed(['a', 'b'])).toEqual(['a', 'b'].map((text) => vectorOf(text)))
  })

  it.each([408, 429, 500, 502, 503])('tries again after %i', async (code) => {
    server.script(status(code), status(code))
    expect(await embedder().embed(['a'])).toEqual([vectorOf('a')])
    expect(server.requests).toHaveLength(3)
  })

  it('tries again after a broken connection, and after an answer that is not JSON', async () => {
    server.script(
      (_, response) => response.destroy(),
      (_, response) => response.end('<html>gateway</html>'),
    )
    expect(await embedder().embed(['a'])).toEqual([vectorOf('a')])
    expect(server.requests).toHaveLength(3)
  })

  it('gives up when the attempts are used up, and says what the service said', async () => {
    server.always(status(503))
    const failure = await embedder({ retries: 2 })
      .embed(['a'])
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EmbedderError)
    expect(failure).toMatchObject({ name: 'EmbedderError', code: 'embedder', blames: 'service' })
    expect(String(failure)).toContain('answered 503: told to answer 503')
    expect(server.requests).toHaveLength(3)
  })

  it('waits as long as Retry-After says, in seconds or as a date', async () => {
    server.script(status(429, { 'retry-after': '0.3' }))
    const started = Date.now()
    await embedder().embed(['a'])
    expect(Date.now() - started).toBeGreaterThanOrEqual(290)
    server.script(status(503, { 'retry-after': new Date(Date.now() - 5000).toUTCString() }))
    expect(await embedder().embed(['a'])).toHaveLength(1)
  })

  it('does not wait longer than it may: it fails at once', async () => {
    server.always(status(429, { 'retry-after': '3600' }))
    await expect(embedder().embed(['a'])).rejects.toThrow(/429/)
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    [400, 'texts'],
    [413, 'texts'],
    [401, 'service'],
    [404, 'service'],
  ])('does not try again after %i, and blames the %s', async (code, blames) => {
    server.always(status(code))
    await expect(embedder().embed(['a'])).rejects.toMatchObject({ code: 'embedder', blames })
    expect(server.requests).toHaveLength(1)
  })

  it('ends a request that stalls, before or in the middle of its answer', async () => {
    const stall: Behaviour = () => {}
    const stallInside: Behaviour = (_, response) => void response.writeHead(200).write('{"data": [')
    server.script(stall, stallInside)
    expect(await embedder({ timeoutMs: 100 }).embed(['a'])).toEqual([vectorOf('a')])
    server.always(stall)
    await expect(embedder({ timeoutMs: 50, retries: 0 }).embed(['a'])).rejects.toThrow(
      'did not answer within 50 ms',
    )
  })

  it('stops when the caller wants it to: while it waits for an answer, and between attempts', async () => {
    server.always(() => {})
    await expect(embedder().embed(['a'], { signal: AbortSignal.timeout(50) })).rejects.toThrow(
      /abort|timeout/i,
    )
    server.always(status(503))
    const slow = embedder({ backoffMs: 60_000, retries: 5 })
    await expect(slow.embed(['a'], { signal: AbortSignal.timeout(50) })).rejects.toThrow(/abort|timeout/i)
    const requests = server.requests.length
    await expect(slow.embed(['a'], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect(server.requests).toHaveLength(requests)
  })

  it('says that nobody listens', async () => {
    const nobody = await startEmbeddingServer()
    await nobody.close()
    const failure = embedder({ url: nobody.url, retries: 0 }).embed(['a'])
    await expect(failure).rejects.toThrow(/could not be reached: .*ECONNREFUSED/)
    await expect(failure).rejects.toMatchObject({ blames: 'service' })
  })

  const lies: [string, (data: { index: number; embedding: unknown }[]) => unknown, RegExp][] = [
    ['a vector too few', (data) => data.slice(1), /one vector a text, 2, got 1/],
    ['no data', () => undefined, /one vector a text, 2, got undefined/],
    [
      'the same index twice',
      (data) => data.map((item) => ({ ...item, index: 0 })),
      /each index from 0 to 1 once, got 0/,
    ],
    ['an index out of range', (data) => data.map((item) => ({ ...item, index: item.index + 1 })), /got 2/],
    ['a fractional index', (data) => data.map((item) => ({ ...item, index: item.index / 2 })), /got 0.5/],
    [
      'short vectors',
      (data) => data.map((item) => ({ ...item, embedding: [1, 2, 3] })),
      /384 dimensions, got 3/,
    ],
    ['null', (data) => data.map(() => null), /as numbers or base64, got undefined/],
    [
      'words',
      (data) => data.map((item) => ({ ...item, embedding: Array(384).fill('one') })),
      /as numbers or base64/,
    ],
    ['zeros', (data) => data.map((item) => ({ ...item, embedding: Array(384).fill(0) })), /with a direction/],
    [
      'infinity',
      (data) => data.map((item) => ({ ...item, embedding: Array(384).fill(1e39) })),
      /finite numbers, got 1e\+39/,
    ],
    ['NaN', (data) => data.map((item) => ({ ...item, embedding: nanBase64 })), /finite numbers, got NaN/],
  ]
  const nanBase64 = Buffer.from(new Float32Array(384).fill(Number.NaN).buffer).toString('base64')
  it.each(lies)('refuses an answer with %s', async (_, lie, message) => {
    server.script((request, response) => answer(response, 200, { data: lie(embeddings(request)) }))
    const failure = embedder().embed(['first', 'second'])
    await expect(failure).rejects.toBeInstanceOf(EmbedderError)
    await expect(failure).rejects.toThrow(message)
  })

  it('refuses settings that cannot be, and shows no key', () => {
    expect(() => embedder({ url: 'not a url' })).toThrow(ConfigurationError)
    expect(() => embedder({ url: 'ftp://host/v1' })).toThrow(/http or https/)
    expect(() => embedder({ url: 'http://user:secret@host/v1' })).toThrow(/^(?!.*secret).*without a user/)
    expect(() => embedder({ model: '' })).toThrow(ConfigurationError)
    for (const wrong of [{ batchSize: 0 }, { timeoutMs: -1 }, { retries: 0.5 }, { dimensions: 0 }]) {
      expect(() => embedder(wrong)).toThrow(InvalidInputError)
    }
  })
})
