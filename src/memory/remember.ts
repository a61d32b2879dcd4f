import type { Database } from '../database/database.ts'
import { DatabaseError } from '../errors.ts'
import type { NewMemory, RememberOptions, RememberResult } from './new-memory.ts'
import { rememberMany } from './remember-many.ts'

/**
 * Keeps a memory, or brings the one that says the same up to date: the text counts without white space at its ends, and
 * in any composition of its letters (NFC). On a row that is there, what is not given (or null) keeps its value, and tags
 * are added (see `sameText`); one that had expired is there again, for good unless `expiresAt` says otherwise. An
 * embedding is never dropped by writing none, unless the text under a caller's own id changed, for which the old
 * embedding would be wrong. A memory that was edited since, or superseded, does not say the same any more: it is left as
 * it is.
 *
 * @throws InvalidInputError if something of the memory cannot be stored, or a key is unknown or undefined; ConflictError
 *   if the id belongs to another namespace.
 * @example
 * const { id, created } = await remember(db, { text: 'Ana prefers window seats', tags: ['travel'] })
 */
export async function remember(
  db: Database,
  memory: NewMemory,
  options: RememberOptions = {},
): Promise<RememberResult> {
  const [result] = await rememberMany(db, { items: [memory], ...options })
  if (result === undefined) throw new DatabaseError('expected a row for the memory, got none')
  return result
}
