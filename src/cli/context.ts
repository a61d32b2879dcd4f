import type { Readable } from 'node:stream'
import type { Output } from './output.ts'

/** What a command works with: its streams, its environment, and the wish that it stop. */
export interface Context {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** Results. */
  readonly out: Output
  /** Progress and messages. */
  readonly err: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C, by a request to terminate, and when nobody reads the results any more; the reason says which. */
  readonly signal: AbortSignal
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly url?: string
  readonly dataDir?: string
  readonly schema?: string
  readonly json?: true
  readonly verbose?: true
  readonly quiet?: true
}
