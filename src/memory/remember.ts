import type { Database } from '../database/database.ts'
import { DatabaseError } from '../errors.ts'
import type { Embedding } from './embedding.ts'
import { rememberMany } from './remember-many.ts'

/** A memory to keep. Only the text is needed. */
export interface NewMemory {
  /** 1 byte to 64 KiB. */
  readonly text: string
  /** By default `memoryId(namespace, text, tags)`, so that the same memory is one row. */
  readonly id?: string
  /** Whose memory: a user, an agent, a project; 'default' by default. */
  readonly namespace?: string
  readonly tags?: readonly string[]
  /** Who said it. */
  readonly speakerId?: string | null
  /** A JSON object. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Of the database's model (384 numbers at first), not all zero; without one, the memory is found by keyword only. */
  readonly embedding?: Embedding | null
  /** 0 to 1; 0.5 by default. */
  readonly importance?: number
  /** Past it, no search returns the memory. */
  readonly expiresAt?: Date | string | null
  /** When it was said or learnt; now by default. */
  readonly createdAt?: Date | string
}

export interface RememberResult {
  readonly id: string
  /** Whether the row is new; false if a row with this id was there and has been brought up to date. */
  readonly created: boolean
}

/**
 * Keeps a memory, or brings the one with its id up to date. On a row that is there, what is not given (or null) keeps
 * its value: an embedding is never dropped by writing none, unless the text under a caller's own id changed, for which
 * the old embedding would be wrong.
 *
 * @throws InvalidInputError if something of the memory cannot be stored; ConflictError if the id belongs to another
 *   namespace.
 * @example
 * const { id, created } = await remember(db, { text: 'Ana prefers window seats', tags: ['travel'] })
 */
export async function remember(db: Database, memory: NewMemory): Promise<RememberResult> {
  const [result] = await rememberMany(db, { items: [memory] })
  if (result === undefined) throw new DatabaseError('expected a row for the memory, got none')
  return result
}
