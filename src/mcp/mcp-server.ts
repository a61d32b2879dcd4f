import { readFileSync } from 'node:fs'
import { type CallToolResult, McpServer, type StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import type * as z from 'zod'
import { checkText, longestName } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { OpaError } from '../errors.ts'
import { instructionsFor } from './instructions.ts'
import { fits } from './tools/budget.ts'
import { errorText } from './tools/errors.ts'
import { selectedTools, type ToolOptions } from './tools/index.ts'
import type { Tool, ToolContext } from './tools/tool.ts'

/** What an MCP server offers, and of which database. */
export interface McpServerOptions extends ToolOptions {
  readonly db: Database
  /**
   * Makes the vectors of what is remembered and asked; without one, memories are found by their words.
   * While the model is being changed, the old one and the new one.
   */
  readonly embedder?: Embedder | readonly Embedder[]
  /** Called with errors that are not the model's to mend; the model is told only that something went wrong. */
  readonly onError?: (error: unknown) => void
}

/**
 * Makes MCP servers of one database, one for each connection (or, over HTTP, for each request): what `serveStdio` and
 * `createMcpHandler` of `@modelcontextprotocol/server` take. For a server with everything around it see `runMcp`.
 *
 * @throws ConfigurationError for an unknown tool; InvalidInputError for a namespace that cannot be.
 * @example
 * const handler = createMcpHandler(mcpServerFactory({ db, namespace: 'ana' }))
 * export default { fetch: handler.fetch }
 */
export function mcpServerFactory(options: McpServerOptions): () => McpServer {
  return preparedServers(options).factory
}

/** The factory, and a wait for the calls that run: a client may leave before its call has ended. */
export function preparedServers(options: McpServerOptions): {
  readonly factory: () => McpServer
  idle(): Promise<void>
} {
  const { db, namespace, embedder, onError = () => {} } = options
  if (namespace !== undefined) checkText(namespace, 'namespace', { from: 1, to: longestName })
  // Schemas and instructions are made once: over HTTP a server lives for one request.
  const offered = selectedTools(options).map((tool) => ({
    tool,
    schemas: { inputSchema: compact(tool.input), outputSchema: compact(tool.output) },
  }))
  const instructions = instructionsFor(new Set(offered.map(({ tool }) => tool.name)), options)
  const info = { name: 'opa-db', version: packageVersion() }
  const context: ToolContext = { db, namespace, embedder }

  const running = new Set<Promise<unknown>>()
  const tracked = <T>(call: Promise<T>): Promise<T> => {
    running.add(call)
    return call.finally(() => running.delete(call))
  }
  const factory = () => {
    const server = new McpServer(info, { instructions, capabilities: { tools: {} } })
    for (const { tool, schemas } of offered) {
      const { name, description } = tool
      server.registerTool(
        name,
        { description, ...schemas, annotations: annotationsOf(tool) },
        (input: unknown) => tracked(call(tool, context, input as Record<string, unknown>, onError)),
      )
    }
    return server
  }
  return {
    factory,
    async idle() {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}

async function call(
  tool: Tool,
  context: ToolContext,
  input: Record<string, unknown>,
  onError: (error: unknown) => void,
): Promise<CallToolResult> {
  try {
    const answer = await tool.run(context, input)
    if (!fits(answer))
      return failure('The answer would be too long to read. Ask for less: a lower limit, or one id.')
    return { content: [{ type: 'text', text: answer.text }], structuredContent: answer.data }
  } catch (error) {
    if (!(error instanceof OpaError) || error.code === 'database') onError(error)
    return failure(errorText(error))
  }
}

function failure(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] }
}

/** The protocol's hints. What is left out has the protocol's own default, except that nothing here reaches the open world. */
function annotationsOf({ readOnly = false, destructive = false, idempotent = false }: Tool) {
  if (readOnly) return { readOnlyHint: true, openWorldHint: false }
  return {
    destructiveHint: destructive,
    openWorldHint: false,
    ...(idempotent && { idempotentHint: true }),
  }
}

/** The schema without what says nothing to a model, since its JSON is read with every conversation. */
function compact<Schema extends z.ZodObject>(schema: Schema): StandardSchemaWithJSON {
  const standard = schema['~standard']
  const { jsonSchema } = standard
  return {
    '~standard': {
      ...standard,
      jsonSchema: {
        input: (options) => slim(jsonSchema.input(options)),
        output: (options) => slim(jsonSchema.output(options), ['required']),
      },
    },
  }
}

type JsonSchema = Record<string, unknown>

const saysNothing: Record<string, (value: unknown) => boolean> = {
  $schema: () => true,
  propertyNames: () => true,
  minLength: () => true,
  minItems: () => true,
  // What is not an argument is refused, and the refusal names it.
  additionalProperties: () => true,
  minimum: (value) => value === Number.MIN_SAFE_INTEGER,
  maximum: (value) => value === Number.MAX_SAFE_INTEGER,
}

function slim(schema: JsonSchema, without: readonly string[] = []): JsonSchema {
  const slimmed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(slimmed)
    return typeof value === 'object' && value !== null ? slim(value as JsonSchema, without) : value
  }
  const kept = Object.entries(schema).filter(
    ([key, value]) => !saysNothing[key]?.(value) && !without.includes(key),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, slimmed(value)]))
}

/** The package's own version; '0.0.0' where a bundler left its manifest behind. */
function packageVersion(): string {
  try {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return manifest.name === 'opa-db' ? manifest.version : '0.0.0'
  } catch {
    return '0.0.0'
  }
}
