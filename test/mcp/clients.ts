import { fileURLToPath } from 'node:url'
import {
  Client,
  InMemoryTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { DatabaseLocation } from '../../src/database/location.ts'
import { type McpServerOptions, mcpServerFactory } from '../../src/mcp/index.ts'

/** What a tool answered, as both of its readers see it. */
export interface Answer {
  readonly text: string
  readonly data: Record<string, unknown>
  readonly isError: boolean
  /** Characters of the whole result as it was sent. */
  readonly length: number
}

/** A client of the protocol, and the short way to call a tool with it. */
export interface TestClient {
  readonly client: Client
  call(name: string, args?: Record<string, unknown>): Promise<Answer>
  close(): Promise<void>
}

/** `legacy` is the protocol of 2025 with its handshake, `auto` finds the one of 2026. */
export type Mode = 'legacy' | 'auto'

export async function clientOver(transport: Transport, mode: Mode = 'legacy'): Promise<TestClient> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(transport)
  return {
    client,
    async call(name, args = {}) {
      const result = await client.callTool({ name, arguments: args })
      const [first] = result.content
      return {
        text: first?.type === 'text' ? first.text : '',
        data: (result.structuredContent ?? {}) as Record<string, unknown>,
        isError: result.isError === true,
        length: JSON.stringify(result).length,
      }
    },
    close: () => client.close(),
  }
}

/** A client and a server in this process, without a wire. */
export async function clientInMemory(options: McpServerOptions): Promise<TestClient> {
  const [here, there] = InMemoryTransport.createLinkedPair()
  await mcpServerFactory(options)().connect(there)
  return clientOver(here)
}

export function httpTransport(
  url: string,
  headers: Record<string, string> = {},
): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
}

/** A server in a process of its own, over its standard input and output. */
export function stdioTransport(options: {
  readonly location: DatabaseLocation
  readonly namespace?: string
}): StdioClientTransport {
  return new StdioClientTransport({
    command: process.execPath,
    args: [
      '--import',
      'tsx',
      fileURLToPath(new URL('stdio-server.ts', import.meta.url)),
      JSON.stringify(options),
    ],
    stderr: 'inherit',
  })
}
