import { DatabaseError, OpaError } from '../../errors.ts'

/** A refusal that the model can mend: its message says what to do. */
export class ToolError extends OpaError {
  readonly code = 'invalid_input'
}

/** What a model is told of an error: what was wrong and what to do, and nothing of the inside. */
export function errorText(error: unknown): string {
  if (error instanceof DatabaseError) {
    return `The database could not do this: ${error.message.slice(0, 500)}. Try once more; if it fails again, tell the person.`
  }
  if (error instanceof OpaError) return error.message.slice(0, 2000)
  return 'Something went wrong inside the server; its operator finds the cause in its log. Trying again may help.'
}
