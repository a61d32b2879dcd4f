import type { Database } from '../database/database.ts'
import { checkEmbedder, type Embedder, embedEach } from '../embedders/embedder.ts'
import { EmbedderError } from '../errors.ts'
import { type EmbedPendingOptions, type EmbedPendingResult, embedPending } from './embed-pending.ts'
import type { Fusion } from './fuse.ts'
import { type HybridResult, hybridSearch } from './hybrid-search.ts'
import type { RecallOptions } from './recall.ts'
import type { NewMemory, RememberResult } from './remember.ts'
import { type RememberManyOptions, rememberMany } from './remember-many.ts'

export interface CreateMemoryOptions {
  /** Where everything is remembered and recalled that names no namespace itself. By default 'default', and all. */
  readonly namespace?: string
  /** How both legs become one score in `recall`, for example what `tuneWeights` found; `hybridSearch`'s by default. */
  readonly fusion?: Fusion
}

/** What became of a text's vector. */
export type Embedded =
  | { readonly embedded: true; readonly embedError?: never }
  /** Stored, or searched, without a vector: by keyword alone. */
  | { readonly embedded: false; readonly embedError: EmbedderError }

export type RememberedResult = RememberResult & Embedded

export type Recalled = { readonly memories: HybridResult[] } & Embedded

export interface EmbeddingMemory {
  /**
   * Keeps a text, or a memory, with its vector. The text is kept whatever the embedder does: `embedded: false` and
   * `embedError` say that it has no vector yet, and `embedPending` catches up. A signal ends the embedding only.
   *
   * @throws as `remember`; not for the embedder's errors.
   */
  remember(memory: string | NewMemory, options?: RememberOptions): Promise<RememberedResult>
  /** As `remember` for each, embedded in batches and stored in one transaction. Results are in the items' order. */
  rememberMany(
    items: readonly (string | NewMemory)[],
    options?: RememberOptions & Omit<RememberManyOptions, 'items'>,
  ): Promise<RememberedResult[]>
  /**
   * Finds what helps to answer a question (prose, as in `recall`), by keyword and meaning; by keyword alone, and saying so, if the embedder
   * fails.
   *
   * @throws as `hybridSearch`; not for the embedder's errors.
   */
  recall(question: string, options?: RecallByTextOptions): Promise<Recalled>
  /** Embeds what is stored without a vector: see the function `embedPending`. */
  embedPending(options?: EmbedPendingOptions): Promise<EmbedPendingResult>
}

export interface RememberOptions {
  readonly signal?: AbortSignal
}

export interface RecallByTextOptions extends Omit<RecallOptions, 'question' | 'embedding'> {
  readonly signal?: AbortSignal
}

/** Texts that go to the embedder at a time. */
const textsAtATime = 256

/**
 * A memory that embeds for you: texts in, memories out.
 *
 * @throws ConfigurationError if the embedder's vectors do not fit the table.
 * @example
 * const memory = createMemory(db, transformersEmbedder(), { namespace: 'ana' })
 * await memory.remember('Ana prefers window seats')
 * const { memories } = await memory.recall('Where does Ana like to sit?', { k: 3 })
 */
export function createMemory(
  db: Database,
  embedder: Embedder,
  { namespace, fusion }: CreateMemoryOptions = {},
): EmbeddingMemory {
  checkEmbedder(embedder)
  const ofNamespace = namespace === undefined ? {} : { namespace }

  async function rememberAll(
    items: readonly (string | NewMemory)[],
    { signal, ...options }: RememberOptions & Omit<RememberManyOptions, 'items'> = {},
  ): Promise<RememberedResult[]> {
    const memories = items.map((item) => ({
      ...ofNamespace,
      ...(typeof item === 'object' && item !== null ? item : { text: item }),
    }))
    const vectors = await embedMissing(embedder, memories, signal)
    const results = await rememberMany(db, {
      items: memories.map((memory, at) => {
        const vector = vectors[at]
        return vector instanceof Float32Array ? { ...memory, embedding: vector } : memory
      }),
      ...options,
    })
    return results.map((result, at) => ({ ...result, ...embedded(vectors[at]) }))
  }

  return {
    async remember(memory, options) {
      const [result] = await rememberAll([memory], options)
      return result as RememberedResult
    },
    rememberMany: rememberAll,
    async recall(question, { signal, namespace: asked = namespace, tags = [], k = 5, filter = {} } = {}) {
      const [vector] = await embedMissing(embedder, [{ text: question }], signal)
      const found = vector instanceof Float32Array
      const memories = await hybridSearch(db, {
        queryText: question,
        queryEmbedding: found ? vector : null,
        queryTags: tags,
        k,
        filter: { operators: false, ...filter, ...(asked === undefined ? {} : { namespace: asked }) },
        // Weights are for two legs: with one, a weight of 0 would make every score 0.
        ...(found ? fusion : {}),
      })
      return { memories, ...embedded(vector) }
    },
    embedPending: (options) => embedPending(db, embedder, { ...ofNamespace, ...options }),
  }
}

/** For each memory its new vector, nothing if it brings its own (or no text: `rememberMany` says so), or the error. */
async function embedMissing(
  embedder: Embedder,
  memories: readonly NewMemory[],
  signal: AbortSignal | undefined,
): Promise<(Float32Array | EmbedderError | undefined)[]> {
  const vectors = new Array<Float32Array | EmbedderError | undefined>(memories.length).fill(undefined)
  const missing = [...memories.keys()].filter((at) => {
    const { text, embedding } = memories[at] as NewMemory
    return embedding == null && typeof text === 'string' && text !== ''
  })
  let down: EmbedderError | undefined
  for (let from = 0; from < missing.length; from += textsAtATime) {
    const batch = missing.slice(from, from + textsAtATime)
    const texts = batch.map((at) => memories[at]?.text as string)
    // A service that is down is asked once, not once a batch: the texts must not wait for it.
    const made = down ? texts.map(() => down) : await embedEach(embedder, texts, signal ? { signal } : {})
    batch.forEach((at, place) => {
      const vector = made[place]
      vectors[at] = vector
      if (vector instanceof EmbedderError && vector.blames === 'service') down = vector
    })
  }
  return vectors
}

function embedded(vector: Float32Array | EmbedderError | undefined): Embedded {
  return vector instanceof EmbedderError ? { embedded: false, embedError: vector } : { embedded: true }
}
