import type { Readable, Writable } from 'node:stream'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import type { HttpOptions } from './http-guard.ts'
import { serveHttp } from './http-server.ts'
import { type McpServerOptions, preparedServers } from './mcp-server.ts'

export interface RunMcpOptions extends McpServerOptions {
  /** Serves HTTP instead of standard input and output. */
  readonly http?: HttpOptions
  /** Where messages come from and go to, without `http`: the process's own by default. */
  readonly stdin?: Readable
  readonly stdout?: Writable
}

export interface RunningMcp {
  /** Where clients find it; null over standard input and output. */
  readonly url: string | null
  /** Resolves when the server has ended: by `close`, or because the client closed its end. */
  readonly closed: Promise<void>
  /** Takes no more requests, and waits for those that run. Close the database after it. */
  close(): Promise<void>
}

/**
 * Serves a database to assistants by the Model Context Protocol: over standard input and output for one client that
 * started the process, or over HTTP for any number of them. The database must be migrated.
 *
 * @throws ConfigurationError for an unknown tool, or an address that needs a token.
 * @example
 * const { url, closed } = await runMcp({ db, namespace: 'ana', http: { port: 8123 } })
 * console.error(`listening on ${url}`)
 * await closed
 */
export async function runMcp(options: RunMcpOptions): Promise<RunningMcp> {
  const { factory, idle } = preparedServers(options)
  const { http, onError = () => {} } = options
  if (http === undefined) return runStdio(factory, idle, options)
  const server = await serveHttp(factory, http, onError)
  let resolveClosed: () => void
  const closed = new Promise<void>((resolve) => {
    resolveClosed = resolve
  })
  return {
    url: server.url,
    closed,
    async close() {
      await server.close()
      await idle()
      resolveClosed()
    },
  }
}

function runStdio(
  factory: McpServerFactory,
  idle: () => Promise<void>,
  { stdin = process.stdin, stdout = process.stdout, onError = () => {} }: RunMcpOptions,
): RunningMcp {
  const handle = serveStdio(factory, {
    transport: new StdioServerTransport(stdin, stdout),
    onerror: onError,
  })
  const ended = new Promise<void>((resolve) => {
    stdin.once('end', resolve)
    stdin.once('close', resolve)
  })
  const closed = ended.then(idle)
  return {
    url: null,
    closed,
    async close() {
      await handle.close()
      stdin.destroy()
      await closed
    },
  }
}
