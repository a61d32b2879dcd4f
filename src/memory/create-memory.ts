import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { primaryOf } from '../database/replicas.ts'
import {
  type EmbedPendingOptions,
  type EmbedPendingResult,
  embedPending,
} from '../embedding/embed-pending.ts'
import { type Embedder, embedEach, roleAmong } from '../embedding/embedder.ts'
import { embeddingModel } from '../embedding/embedding-model.ts'
import { ConfigurationError, EmbedderError, InvalidInputError } from '../errors.ts'
import { type HybridResult, hybridSearch } from '../search/hybrid-search.ts'
import type { RecallOptions } from '../search/recall.ts'
import type { Fusion } from '../tuning/fuse.ts'
import type { NewMemory, RememberOptions, RememberResult } from './new-memory.ts'
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
   * @throws as `remember`; ConfigurationError, with nothing written, if the embedder cannot work as it is set up: its
   *   package is missing, or its vectors have another length than it says. Not for the embedder's other errors.
   */
  remember(memory: string | NewMemory, options?: RememberByTextOptions): Promise<RememberedResult>
  /** As `remember` for each, embedded in batches and stored in one transaction. Results are in the items' order. */
  rememberMany(
    items: readonly (string | NewMemory)[],
    options?: RememberByTextOptions & Omit<RememberManyOptions, 'items'>,
  ): Promise<RememberedResult[]>
  /**
   * Finds what helps to answer a question (prose, as in `recall`), by keyword and meaning; by keyword alone, and saying so, if the embedder
   * fails.
   *
   * @throws as `hybridSearch` and `remember`.
   */
  recall(question: string, options?: RecallByTextOptions): Promise<Recalled>
  /** Embeds what is stored without a vector: see the function `embedPending`. */
  embedPending(options?: EmbedPendingOptions): Promise<EmbedPendingResult>
}

export interface RememberByTextOptions extends RememberOptions {
  readonly signal?: AbortSignal
}

export interface RecallByTextOptions extends Omit<RecallOptions, 'question' | 'embedding'> {
  readonly signal?: AbortSignal
}

const recallKeys = {
  namespace: true,
  tags: true,
  k: true,
  filter: true,
  signal: true,
} satisfies OptionKeys<RecallByTextOptions>

/** Texts that go to the embedder at a time. */
const textsAtATime = 256

/**
 * A memory that embeds for you: texts in, memories out. An embedder of another model than the database's is refused with
 * a ConfigurationError by the first call that needs its vectors, before anything is written.
 *
 * @param embedder one, or the old and the new one while the model is being changed: each call takes the one whose model
 *   is in use at that moment, so that a service goes on through the switch.
 * @throws ConfigurationError without an embedder.
 * @example
 * const memory = createMemory(db, transformersEmbedder(), { namespace: 'ana' })
 * await memory.remember('Ana prefers window seats')
 * const { memories } = await memory.recall('Where does Ana like to sit?', { k: 3 })
 */
export function createMemory(
  db: Database,
  embedder: Embedder | readonly Embedder[],
  options: CreateMemoryOptions = {},
): EmbeddingMemory {
  checkOptions(options, { namespace: true, fusion: true } satisfies OptionKeys<CreateMemoryOptions>)
  const { namespace, fusion } = options
  const withEmbedder = embedderOf(db, Array.isArray(embedder) ? embedder : [embedder as Embedder])
  const ofNamespace = namespace === undefined ? {} : { namespace }

  async function rememberAll(
    items: readonly (string | NewMemory)[],
    { signal, ...options }: RememberByTextOptions & Omit<RememberManyOptions, 'items'> = {},
  ): Promise<RememberedResult[]> {
    const memories = items.map((item) => ({
      ...ofNamespace,
      ...(typeof item === 'object' && item !== null ? item : { text: item }),
    }))
    return withEmbedder('write', async (chosen) => {
      const vectors = await embedMissing(chosen, memories, signal)
      const results = await rememberMany(db, {
        items: memories.map((memory, at) => {
          const vector = vectors[at]
          return vector instanceof Float32Array ? { ...memory, embedding: vector } : memory
        }),
        model: chosen.model,
        ...options,
      })
      return results.map((result, at) => ({ ...result, ...embedded(vectors[at]) }))
    })
  }

  return {
    async remember(memory, options) {
      if (options !== undefined) checkOptions(options, { signal: true, nearDuplicatesAbove: true })
      const [result] = await rememberAll([memory], options)
      return result as RememberedResult
    },
    rememberMany: rememberAll,
    async recall(question, options = {}) {
      checkOptions(options, recallKeys)
      const { signal, namespace: asked = namespace, tags = [], k = 5, filter = {} } = options
      return withEmbedder('search', async (chosen, from) => {
        const [vector] = await embedMissing(chosen, [{ text: question }], signal)
        const found = vector instanceof Float32Array
        const memories = await hybridSearch(from, {
          queryText: question,
          queryEmbedding: found ? vector : null,
          queryTags: tags,
          k,
          filter: {
            operators: false,
            ...filter,
            ...(asked === undefined ? {} : { namespace: asked }),
            ...(found ? { model: chosen.model } : {}),
          },
          // Weights are for two legs: with one, a weight of 0 would make every score 0.
          ...(found ? fusion : {}),
        })
        return { memories, ...embedded(vector) }
      })
    },
    embedPending: (options) =>
      withEmbedder('fill', (chosen) => embedPending(db, chosen, { ...ofNamespace, ...options })),
  }
}

/** What an embedder is wanted for: to write or search by the current model, or to fill the newest there is. */
type Purpose = 'write' | 'search' | 'fill'

/**
 * Runs work with the embedder whose model is in use. Which one that is, is asked once: if the database then refuses a
 * vector, because the model has been changed since, it is asked again and the work done by the other embedder.
 */
function embedderOf(db: Database, embedders: readonly Embedder[]) {
  if (embedders.length === 0) throw new ConfigurationError('expected an embedder, or several, got none')
  const known = new Map<Purpose, Embedder>()

  async function choose(purpose: Purpose): Promise<Embedder> {
    let refusal: unknown
    // Once for all: a switch between two questions could leave no embedder that fits.
    const models = await embeddingModel(db)
    const fitting: Partial<Record<'current' | 'next', Embedder>> = {}
    for (const embedder of embedders) {
      try {
        fitting[roleAmong(models, embedder).role] ??= embedder
      } catch (error) {
        refusal = error
      }
    }
    const chosen = purpose === 'fill' ? (fitting.next ?? fitting.current) : (fitting.current ?? fitting.next)
    if (chosen === undefined) throw refusal
    if (purpose === 'search' && fitting.current === undefined) {
      throw new ConfigurationError(
        `searches go by the old model until finishModelChange, expected its embedder too, got only that of "${chosen.model}"`,
      )
    }
    return chosen
  }

  return async <T>(
    purpose: Purpose,
    work: (embedder: Embedder, from: Database) => Promise<T>,
  ): Promise<T> => {
    // For filling it is asked each time: a change may have begun.
    const chosen = (purpose === 'fill' ? undefined : known.get(purpose)) ?? (await choose(purpose))
    known.set(purpose, chosen)
    try {
      return await work(chosen, db)
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error
      const now = await choose(purpose)
      known.set(purpose, now)
      // A replica that has not heard of the switch yet refuses the vectors that the primary takes.
      const primary = primaryOf(db)
      if (now === chosen && (purpose !== 'search' || primary === db)) throw error
      return work(now, primary)
    }
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
      // No text would ever be embedded: whoever set this up must hear of it, before anything is written.
      if (vector instanceof EmbedderError && vector.cause instanceof ConfigurationError) throw vector.cause
      vectors[at] = vector
      if (vector instanceof EmbedderError && vector.blames === 'service') down = vector
    })
  }
  return vectors
}

function embedded(vector: Float32Array | EmbedderError | undefined): Embedded {
  return vector instanceof EmbedderError ? { embedded: false, embedError: vector } : { embedded: true }
}
