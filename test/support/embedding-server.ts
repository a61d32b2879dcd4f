import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Embedder } from '../../src/embedding/embedder.ts'
import { dimensions } from './dimensions.ts'

/** A request as the server saw it. */
export interface SeenRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: {
    readonly model: string
    readonly input: string[]
    readonly encoding_format?: string
    readonly dimensions?: number
  }
}

/** Answers one request as it likes; `next` answers it as it should be. */
export type Behaviour = (request: SeenRequest, response: ServerResponse, next: () => void) => void

/** An OpenAI-compatible /v1/embeddings on this machine, which can be told to misbehave. */
export interface EmbeddingServer {
  readonly url: string
  readonly requests: SeenRequest[]
  /** The next requests go to these, one each; those after them are answered well. */
  script(...behaviours: Behaviour[]): void
  /** Every request goes to this until told otherwise. */
  always(behaviour: Behaviour | undefined): void
  close(): Promise<void>
}

export async function startEmbeddingServer(length = 384): Promise<EmbeddingServer> {
  const requests: SeenRequest[] = []
  let scripted: Behaviour[] = []
  let standing: Behaviour | undefined
  const server = createServer(async (incoming, response) => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    const request = { path: incoming.url ?? '', headers: incoming.headers, body: JSON.parse(text) }
    requests.push(request)
    const behaviour = scripted.shift() ?? standing
    const next = () => answer(response, 200, { data: embeddings(request, length) })
    if (behaviour === undefined) next()
    else behaviour(request, response, next)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    script: (...behaviours) => {
      scripted = behaviours
    },
    always: (behaviour) => {
      standing = behaviour
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections()
        server.close(() => closed())
      }),
  }
}

/** Ends the request with a JSON body. */
export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** What the API's `data` should be for a request. */
export function embeddings(
  { body }: SeenRequest,
  length = 384,
): { index: number; embedding: number[] | string }[] {
  return body.input.map((text, index) => {
    const vector = vectorOf(text, length)
    return {
      index,
      embedding:
        body.encoding_format === 'base64'
          ? Buffer.from(vector.buffer).toString('base64')
          : Array.from(vector),
    }
  })
}

/** A vector of a text's words: texts that share words are near each other. */
export function vectorOf(text: string, length = dimensions): Float32Array {
  const vector = new Float32Array(length)
  for (const word of text.toLowerCase().match(/\p{L}+|\p{N}+/gu) ?? ['']) {
    const bytes = createHash('sha256').update(word).digest()
    for (let at = 0; at < 8; at++) {
      const place = bytes.readUInt16LE(2 * at) % length
      vector[place] = (vector[place] as number) + ((bytes[16 + at] as number) % 2 === 0 ? 1 : -1)
    }
  }
  return vector
}

/** An embedder in this process, of the database's dimensions by default, whose `embed` a test can replace. */
export function wordEmbedder(
  model = 'words',
  length = dimensions,
): Embedder & {
  calls: string[][]
  fail: ((texts: readonly string[]) => void) | undefined
} {
  const embedder = {
    model,
    dimensions: length,
    calls: [] as string[][],
    fail: undefined as ((texts: readonly string[]) => void) | undefined,
    async embed(texts: readonly string[]) {
      embedder.calls.push([...texts])
      embedder.fail?.(texts)
      return texts.map((text) => vectorOf(text, length))
    },
  }
  return embedder
}
