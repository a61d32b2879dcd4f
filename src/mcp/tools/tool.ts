import type * as z from 'zod'
import type { Database } from '../../database/database.ts'
import type { Embedder } from '../../embedding/embedder.ts'

/** What the tools work on. */
export interface ToolContext {
  readonly db: Database
  /** The one namespace that everything is read from and written to; undefined: each call may name one. */
  readonly namespace: string | undefined
  /**
   * Makes the vectors of what is remembered and asked; without one, memories are found by their words.
   * While the model is being changed, the old one and the new one.
   */
  readonly embedder: Embedder | readonly Embedder[] | undefined
}

/** What a tool answers: the same twice, as text for a model to read and as data for a program. */
export interface ToolAnswer<Output> {
  readonly text: string
  readonly data: Output
}

/** One function for a language model, independent of the protocol by which it is offered. */
export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string
  /** Written for the model: what it does, and when to use it. */
  readonly description: string
  readonly input: Input
  readonly output: Output
  /** Changes nothing. */
  readonly readOnly?: boolean
  /** May delete or overwrite. */
  readonly destructive?: boolean
  /** Called again with the same arguments it changes nothing more. */
  readonly idempotent?: boolean
  run(context: ToolContext, input: z.output<Input>): Promise<ToolAnswer<z.output<Output>>>
}

/** Checks a tool's types against its schemas. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): Tool<Input, Output> {
  return tool
}

/**
 * The namespace of a call: the pinned one wins over any argument. Absent rather than undefined where there is none, as it
 * is for calls by id on a server without a pinned namespace.
 */
export function namespaceOf(
  context: ToolContext,
  input: { readonly namespace?: string | undefined } = {},
): { readonly namespace?: string } {
  const namespace = context.namespace ?? input.namespace
  return namespace === undefined ? {} : { namespace }
}
