import type { Tool as AiTool } from 'ai'
import * as z from 'zod'
import { checkText, longestName } from '../../database/check.ts'
import type { Database } from '../../database/database.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import { InvalidInputError } from '../../errors.ts'
import { fits } from '../../mcp/tools/budget.ts'
import {
  type ReaderName,
  selectedTools,
  type ToolName,
  type ToolOptions,
  type tools,
} from '../../mcp/tools/index.ts'
import type { Tool, ToolContext } from '../../mcp/tools/tool.ts'

export interface DatabaseToolsOptions<Name extends ToolName, ReadOnly extends boolean> extends ToolOptions {
  readonly tools?: readonly Name[]
  readonly readOnly?: ReadOnly
  /**
   * Makes the vectors of what is remembered and asked; without one, memories are found by their words.
   * While the model is being changed, the old one and the new one.
   */
  readonly embedder?: Embedder | readonly Embedder[]
}

/** The tools by name, as `generateText` and `streamText` take them. */
export type DatabaseTools<Name extends ToolName> = {
  [Each in Name]: AiTool<z.output<(typeof tools)[Each]['input']>, z.output<(typeof tools)[Each]['output']>>
}

/**
 * The tools of the MCP server for Vercel's AI SDK, in this process: the same names, arguments and answers. A refusal is
 * thrown, and the SDK tells the model of it.
 *
 * @throws ConfigurationError for an unknown tool; InvalidInputError for a namespace that cannot be.
 * @example
 * const { text } = await generateText({
 *   model, prompt, stopWhen: stepCountIs(5),
 *   tools: databaseTools(db, { namespace: 'ana', tools: ['search_memories', 'add_memory'] }),
 * })
 */
export function databaseTools<Name extends ToolName = ToolName, ReadOnly extends boolean = false>(
  db: Database,
  options: DatabaseToolsOptions<Name, ReadOnly> = {},
): DatabaseTools<ReadOnly extends true ? Extract<Name, ReaderName> : Name> {
  const { namespace, embedder } = options
  if (namespace !== undefined) checkText(namespace, 'namespace', { from: 1, to: longestName })
  const context: ToolContext = { db, namespace, embedder }
  const made = selectedTools(options).map((tool) => [tool.name, aiTool(tool, context)])
  return Object.fromEntries(made)
}

function aiTool(tool: Tool, context: ToolContext): AiTool<Record<string, unknown>, Record<string, unknown>> {
  const { description, input, output } = tool
  return {
    description,
    inputSchema: input,
    outputSchema: output,
    async execute(args: Record<string, unknown>) {
      // The SDK has checked what a model sends; whoever calls this directly is checked here.
      const checked = input.safeParse(args)
      if (!checked.success) throw new InvalidInputError(z.prettifyError(checked.error))
      const answer = await tool.run(context, checked.data)
      if (!fits(answer)) throw new InvalidInputError('The answer would be too long to read. Ask for less.')
      return answer.data
    },
  }
}
