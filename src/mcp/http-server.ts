import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server'
import { type HttpOptions, httpGuard } from './http-guard.ts'

export interface HttpServer {
  readonly url: string
  /** Takes no more requests and waits for those that run. */
  close(): Promise<void>
}

/** Longest request: a memory has 64 KiB at most, and its metadata little more. */
const longestRequest = 1_048_576

/**
 * Serves MCP as Streamable HTTP at `/mcp`, to clients of the protocol of 2026 and, without sessions, of 2025.
 *
 * @throws ConfigurationError as `httpGuard`; the operating system's error if the port is taken.
 */
export async function serveHttp(
  factory: McpServerFactory,
  options: HttpOptions,
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  const { port, host = '127.0.0.1' } = options
  const guard = httpGuard(options)
  const handler = createMcpHandler(factory, { maxRequestBodySize: longestRequest, onerror: onError })

  const server = createServer(async (incoming, outgoing) => {
    try {
      const refusal =
        guard(new Request(urlOf(incoming), { headers: headersOf(incoming) })) ?? refused(incoming)
      // What nobody will read is let run out, so that the client gets to read the answer.
      if (refusal !== undefined) incoming.resume()
      await send(outgoing, refusal ?? (await handler.fetch(webRequest(incoming, outgoing))))
    } catch (error) {
      // A client that went away is not an error of this server.
      if (!incoming.destroyed || !outgoing.destroyed) onError(error)
      if (!outgoing.headersSent) outgoing.writeHead(500)
      outgoing.end()
    }
  })
  await listening(server, port, host)
  const { port: taken, address, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/mcp`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await handler.close()
      await closed
    },
  }
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function refused(incoming: IncomingMessage): Response | undefined {
  if (urlOf(incoming).pathname !== '/mcp') {
    return new Response('Not found: the endpoint is /mcp\n', { status: 404 })
  }
  if (Number(incoming.headers['content-length'] ?? 0) > longestRequest) {
    return new Response(`The request is longer than ${longestRequest} bytes\n`, { status: 413 })
  }
  return undefined
}

function webRequest(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const { method = 'GET' } = incoming
  const left = new AbortController()
  outgoing.once('close', () => left.abort())
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(urlOf(incoming), {
    method,
    headers: headersOf(incoming),
    signal: left.signal,
    ...(hasBody && { body: Readable.toWeb(incoming) as globalThis.ReadableStream, duplex: 'half' }),
  } as RequestInit)
}

/** The path is all that is read of it: the Host header is the guard's, and must not be able to spoil the URL. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  return new URL(url.replace(/^\/*/, '/'), 'http://localhost')
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  )
}

async function send(outgoing: ServerResponse, response: Response): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) {
    outgoing.end()
    return
  }
  await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing)
}
