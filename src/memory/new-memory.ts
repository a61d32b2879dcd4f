import type { OptionKeys } from '../database/options.ts'
import type { Embedding } from '../embedding/embedding.ts'
import type { NearDuplicate } from './near-duplicates.ts'

/**
 * What becomes of a memory whose text is there already, in the same namespace: `merge` adds the new tags to its tags,
 * `replace` puts the new tags in their place, `distinct` keeps a memory of its own for each set of tags.
 */
export type SameText = 'merge' | 'replace' | 'distinct'

/** A memory to keep. Only the text is needed. */
export interface NewMemory {
  /** 1 byte to 64 KiB. */
  readonly text: string
  /**
   * An id of your own, unique over all namespaces. By default the memory of the same text in the namespace is brought up
   * to date, and a new one gets `memoryId(namespace, text, tags)`.
   */
  readonly id?: string
  /** A name of your own for the memory, unique in its namespace: its id is `namespacedId(namespace, key)`. */
  readonly key?: string
  /** Whose memory: a user, an agent, a project; 'default' by default. */
  readonly namespace?: string
  readonly tags?: readonly string[]
  /** `merge` by default; under an id or a key of your own, which are brought up to date as they are, `replace`. */
  readonly sameText?: SameText
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
  /** When it began to be true, and when it ceased to be (exclusive). Searches ask for it by `filter.asOf`. */
  readonly validFrom?: Date | string | null
  readonly validTo?: Date | string | null
}

/** The options of `remember` are the memory's own keys; this is for those who pass memories on. */
export const newMemoryKeys = {
  text: true,
  id: true,
  key: true,
  namespace: true,
  tags: true,
  sameText: true,
  speakerId: true,
  metadata: true,
  embedding: true,
  importance: true,
  expiresAt: true,
  createdAt: true,
  validFrom: true,
  validTo: true,
} satisfies OptionKeys<NewMemory>

export interface RememberResult {
  readonly id: string
  /** Whether the row is new; false if the memory was there and has been brought up to date. */
  readonly created: boolean
  /** Only with `nearDuplicatesAbove`: the nearest other memory whose similarity is above it; null if there is none. */
  readonly nearDuplicate?: NearDuplicate | null
}

export interface RememberOptions {
  /**
   * Cosine similarity above which another memory of the same namespace is named in the result, -1 to 1: for example 0.95.
   * Nothing is merged or refused for it. Costs a vector search for each memory that comes with an embedding.
   */
  readonly nearDuplicatesAbove?: number
}
