import { CommanderError } from 'commander'
import { ConfigurationError, InvalidInputError, OpaError } from '../errors.ts'

/** What a command ends with. */
export const exitCodes = { ok: 0, foundWrong: 1, wrongUse: 2, interrupted: 130, terminated: 143 } as const

/** The command was called in a way that cannot be meant: exit code 2. */
export class UsageError extends OpaError {
  readonly code = 'usage'
}

/** What was asked for could not be done, or something was found wrong: exit code 1. */
export class CommandError extends OpaError {
  readonly code = 'command'
}

/** Ctrl-C, or a request to terminate. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}

/** Whoever read the output has gone (`| head`): no error, but nothing more to do either. */
export class OutputClosed extends Error {}

export function exitCodeOf(error: unknown): number {
  if (error instanceof OutputClosed) return exitCodes.ok
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.wrongUse
  const isWrongUse =
    error instanceof UsageError || error instanceof ConfigurationError || error instanceof InvalidInputError
  return isWrongUse ? exitCodes.wrongUse : exitCodes.foundWrong
}
