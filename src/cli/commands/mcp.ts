import { sql } from 'drizzle-orm'
import { describeLocation } from '../../database/location.ts'
import { queryRows } from '../../database/rows.ts'
import { collected, type Define, given, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { CommandError, OutputClosed } from '../exit.ts'
import { fittingEmbedder } from '../fitting-embedder.ts'

interface McpOptions {
  readonly namespace?: string
  readonly readOnly?: true
  readonly tools?: string[]
  readonly http?: number
  readonly host?: string
  readonly allowHost?: string[]
}

const examples = `
In the configuration of an MCP client:
  { "mcpServers": { "memory": { "command": "npx", "args": ["opa-db", "mcp", "--namespace", "ana"] } } }

Over HTTP the server listens on this machine alone, unless --host says otherwise; then OPA_MCP_TOKEN must be set, and
clients send it as a bearer token.`

export const defineMcp: Define = (program, handler) => {
  program
    .command('mcp')
    .summary('serve the database to assistants')
    .description(
      'Serves memories and jobs by the Model Context Protocol: over standard input and output, or over HTTP.',
    )
    .option('-n, --namespace <name>', 'the one namespace that the assistant has; nothing reaches another')
    .option('--read-only', 'only the tools that change nothing')
    .option('--tools <name>', 'only this tool; may be repeated, or several between commas', names)
    .option('--http <port>', 'over HTTP, on this port; 0 takes a free one', wholeNumber('--http', 0, 65_535))
    .option('--host <address>', 'the address to listen on; 127.0.0.1 by default')
    .option('--allow-host <name>', 'a host name by which clients may call; may be repeated', collected)
    .addHelpText('after', examples)
    .action(handler<McpOptions>(serve))
}

function names(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, ...value.split(',').map((name) => name.trim())]
}

async function serve(context: Context, options: McpOptions & GlobalOptions): Promise<number> {
  // Loaded here alone: it takes longer than all other commands together.
  const { runMcp } = await import('../../mcp/index.ts')
  const { http: port, host, allowHost: allowedHosts, namespace, readOnly, tools } = options
  const token = context.environment.OPA_MCP_TOKEN || undefined
  return withDatabase(
    context,
    options,
    async ({ db, location }) => {
      const [row] = await queryRows(db, sql`SELECT to_regclass('memory_items') IS NOT NULL AS there`)
      if (row?.there !== true) {
        throw new CommandError(`${describeLocation(location)} has not been migrated. Run: opa-db migrate`)
      }
      const running = await runMcp({
        db,
        ...given({ namespace, readOnly, tools, embedder: await fittingEmbedder(db, context) }),
        ...(port !== undefined && { http: { port, ...given({ host, token, allowedHosts }) } }),
        onError: (error) => void context.err.lines(`opa-db: ${messageOf(error, options)}`).catch(() => {}),
      })
      // Standard output is the protocol's.
      const where = running.url ?? 'standard input and output'
      if (!options.quiet) await context.err.lines(`opa-db serves ${describeLocation(location)} on ${where}`)
      const stop = () => void running.close()
      context.signal.addEventListener('abort', stop, { once: true })
      if (context.signal.aborted) stop()
      await running.closed
      // Being stopped is how a server ends.
      if (context.signal.reason instanceof OutputClosed) throw context.signal.reason
      return 0
    },
    { creates: true, stopsItself: true, maxConnections: 10 },
  )
}

function messageOf(error: unknown, { verbose }: GlobalOptions): string {
  if (!(error instanceof Error)) return String(error)
  return verbose ? (error.stack ?? error.message) : error.message
}
