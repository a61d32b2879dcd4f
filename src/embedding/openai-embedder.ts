import { checkedInteger } from '../database/check.ts'
import { ConfigurationError, EmbedderError } from '../errors.ts'
import { defaultDimensions } from '../schema/embedding-models.ts'
import { checkedVectors, type Embedder, type EmbedOptions } from './embedder.ts'
import { knownModel } from './known-models.ts'
import { retryAfterMs, retrying, TransientFailure } from './retry.ts'

export interface OpenaiEmbedderOptions {
  /** The API's base, for example `http://localhost:11434/v1`; `https://api.openai.com/v1` by default. */
  readonly url?: string
  /** Sent as a bearer token. Leave it out for a local server that asks for none. */
  readonly apiKey?: string
  readonly model: string
  /** What every vector must have; by default what the model is known to give, else 384. */
  readonly dimensions?: number
  /** How many tokens of a text the model reads; by default what is known of the model. */
  readonly maxTokens?: number
  /** True asks the service to shorten its vectors to `dimensions` (text-embedding-3 can); false by default. */
  readonly sendDimensions?: boolean
  /** How numbers travel: `base64` is a third of the size, `float` is what every server knows. `float` by default. */
  readonly encoding?: 'float' | 'base64'
  /** Texts a request, 1 to 2048; 64 by default. */
  readonly batchSize?: number
  /** The time that a request may take, answer included, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number
  /** Attempts after the first, 0 to 20; 3 by default. */
  readonly retries?: number
  /** The longest first wait before a retry, in milliseconds; 500 by default. It doubles each time. */
  readonly backoffMs?: number
  /** The longest wait, in milliseconds; 60,000 by default. A longer `Retry-After` is a failure at once. */
  readonly longestWaitMs?: number
  /** More request headers, for gateways. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * An embedder behind any OpenAI-compatible `/v1/embeddings`: OpenAI, Ollama, vLLM, LM Studio, text-embeddings-inference,
 * LiteLLM. Asks in batches; repeats a request that got 408, 429, 5xx, no answer or none in time, after the wait that
 * `Retry-After` names or an exponentially growing one; checks what comes back.
 *
 * @throws ConfigurationError for settings that cannot be; from `embed` EmbedderError, whose `blames` says whether it
 *   is these texts that it refuses.
 * @example
 * const embedder = openaiEmbedder({ url: 'http://localhost:11434/v1', model: 'all-minilm' })
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export function openaiEmbedder(options: OpenaiEmbedderOptions): Embedder {
  const settings = checkedSettings(options)
  const { model, dimensions, maxTokens, batchSize } = settings
  return {
    model,
    dimensions,
    ...(maxTokens === 0 ? {} : { maxTokens }),
    async embed(texts, { signal }: EmbedOptions = {}) {
      const vectors: Float32Array[] = []
      for (let from = 0; from < texts.length; from += batchSize) {
        signal?.throwIfAborted()
        const batch = texts.slice(from, from + batchSize)
        const answer = await retrying(() => request(settings, batch, signal), { ...settings, signal })
        vectors.push(...checkedVectors(inOrder(answer, batch.length, model), batch.length, settings))
      }
      return vectors
    },
  }
}

type Settings = ReturnType<typeof checkedSettings>

function checkedSettings(options: OpenaiEmbedderOptions) {
  const { url = 'https://api.openai.com/v1', apiKey, model, sendDimensions = false, headers = {} } = options
  const { encoding = 'float' } = options
  if (typeof model !== 'string' || model === '') {
    throw new ConfigurationError(`model must be the name of a model, got ${JSON.stringify(model)}`)
  }
  if (encoding !== 'float' && encoding !== 'base64') {
    throw new ConfigurationError(`encoding must be float or base64, got ${JSON.stringify(encoding)}`)
  }
  const integer = (name: keyof OpenaiEmbedderOptions, from: number, to: number, otherwise: number) =>
    checkedInteger(options[name], name, { from, to, otherwise })
  return {
    endpoint: endpointOf(url),
    model,
    sendDimensions,
    encoding,
    dimensions: integer('dimensions', 1, 16_000, knownModel(model)?.dimensions ?? defaultDimensions),
    maxTokens: integer('maxTokens', 1, 10_000_000, knownModel(model)?.maxTokens ?? 0),
    batchSize: integer('batchSize', 1, 2048, 64),
    timeoutMs: integer('timeoutMs', 1, 3_600_000, 30_000),
    retries: integer('retries', 0, 20, 3),
    backoffMs: integer('backoffMs', 0, 600_000, 500),
    longestWaitMs: integer('longestWaitMs', 0, 3_600_000, 60_000),
    headers: {
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...headers,
      'content-type': 'application/json',
    },
  }
}

function endpointOf(url: string): URL {
  let endpoint: URL
  try {
    endpoint = new URL(url)
  } catch (error) {
    throw new ConfigurationError(`url must be a URL like http://localhost:11434/v1, got "${url}"`, {
      cause: error,
    })
  }
  if (
    !['http:', 'https:'].includes(endpoint.protocol) ||
    endpoint.username !== '' ||
    endpoint.password !== ''
  ) {
    throw new ConfigurationError('url must be http or https, without a user in it: use apiKey or headers')
  }
  const path = endpoint.pathname.replace(/\/+$/, '')
  endpoint.pathname = path.endsWith('/embeddings') ? path : `${path}/embeddings`
  return endpoint
}

/** One request. @throws TransientFailure where another attempt may help. */
async function request(
  settings: Settings,
  texts: string[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { endpoint, model, dimensions, sendDimensions, encoding, timeoutMs, headers } = settings
  const timeout = AbortSignal.timeout(timeoutMs)
  const where = `${endpoint.origin}${endpoint.pathname}`
  let response: Response
  let body: string
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        model,
        input: texts,
        encoding_format: encoding,
        ...(sendDimensions ? { dimensions } : {}),
      }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    body = await response.text()
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    const why = timeout.aborted
      ? `did not answer within ${timeoutMs} ms`
      : `could not be reached: ${causeOf(error)}`
    throw new TransientFailure(`${where} ${why}`, { cause: error })
  }
  if (!response.ok) {
    const message = `${where} answered ${response.status}: ${reasonOf(body)}`
    if (response.status === 408 || response.status === 429 || response.status >= 500) {
      throw new TransientFailure(message, { retryAfterMs: retryAfterMs(response.headers.get('retry-after')) })
    }
    // A wrong key or path is nobody's text's fault: asking for the texts one by one would not help.
    throw new EmbedderError(message, {
      blames: [401, 403, 404].includes(response.status) ? 'service' : 'texts',
    })
  }
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new TransientFailure(`${where} answered with something other than JSON: ${body.slice(0, 80)}`, {
      cause: error,
    })
  }
}

/** The vectors in the order of the texts: the answer's order is the service's own affair, `index` says which is which. */
function inOrder(answer: unknown, count: number, model: string): ArrayLike<number>[] {
  const data = (answer as { data?: unknown } | null)?.data
  if (!Array.isArray(data) || data.length !== count) {
    const got = Array.isArray(data) ? `${data.length}` : typeof data
    throw new EmbedderError(`the model "${model}" must give one vector a text, ${count}, got ${got}`, {
      blames: 'service',
    })
  }
  const vectors = new Array<ArrayLike<number>>(count)
  data.forEach((item: { index?: unknown; embedding?: unknown } | null, at) => {
    const index = item?.index ?? at
    if (
      typeof index !== 'number' ||
      !Number.isInteger(index) ||
      index < 0 ||
      index >= count ||
      index in vectors
    ) {
      throw new EmbedderError(
        `the model "${model}" must give each index from 0 to ${count - 1} once, got ${String(index)}`,
        { blames: 'service' },
      )
    }
    vectors[index] = numbersOf(item?.embedding, model)
  })
  return vectors
}

function numbersOf(embedding: unknown, model: string): ArrayLike<number> {
  if (Array.isArray(embedding) && embedding.every((value) => typeof value === 'number')) return embedding
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64')
    // Single precision, little-endian, whatever this machine's order is.
    return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(at * 4))
  }
  throw new EmbedderError(
    `the model "${model}" must give vectors as numbers or base64, got ${JSON.stringify(embedding)?.slice(0, 80)}`,
    { blames: 'service' },
  )
}

/** OpenAI's `{ error: { message } }`, or the beginning of whatever came. */
function reasonOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } | string }
    const message = typeof error === 'string' ? error : error?.message
    if (typeof message === 'string') return message.slice(0, 300)
  } catch {
    // Not JSON: shown as it came.
  }
  return body.slice(0, 300) || 'no reason given'
}

/** fetch says "fetch failed" and keeps the reason in its cause. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause
  return cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : String(error)
}
