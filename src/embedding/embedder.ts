import type { Database } from '../database/database.ts'
import { ConfigurationError, EmbedderError } from '../errors.ts'
import { type EmbeddingModel, embeddingModel } from './embedding-model.ts'

export interface EmbedOptions {
  /** Ends the work; `embed` then rejects. */
  readonly signal?: AbortSignal
}

/**
 * What makes vectors of texts. Bring your own, or use `transformersEmbedder` or `openaiEmbedder`. All vectors of a
 * database come from the same model, since those of two models say nothing about each other: the first embedder that
 * writes names it, and another is refused.
 *
 * @example
 * const embedder: Embedder = { model: 'mine', dimensions: 384, embed: (texts) => myService.vectors(texts) }
 */
export interface Embedder {
  /** The model's name. The database keeps it, and refuses vectors of a model of another name, also of the same length. */
  readonly model: string
  /** The length of every vector, 1 to 4000: what `useEmbeddingModel` or `beginModelChange` was told. */
  readonly dimensions: number
  /** How many tokens of a text the model reads; what comes after them does not count. Unknown where it is not given. */
  readonly maxTokens?: number
  /** The same in characters, for a model that counts so. */
  readonly maxCharacters?: number
  /** One vector a text, in the order of the texts. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>
}

/** Which of the database's models an embedder's vectors are of. */
export interface EmbedderRole {
  /** `current` is searched (and may have no name yet); a change is under way to `next`. */
  readonly role: 'current' | 'next'
  /** `embedding_models.id`. */
  readonly id: number
}

/**
 * Which of the database's models an embedder's vectors are of.
 *
 * @throws ConfigurationError if they are of none.
 */
export async function embedderRole(
  db: Database,
  embedder: Pick<Embedder, 'model' | 'dimensions'>,
): Promise<EmbedderRole> {
  return roleAmong(await embeddingModel(db), embedder)
}

/** The same among models that were read before: all of one moment, for several embedders. */
export function roleAmong(
  current: EmbeddingModel,
  { model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>,
): EmbedderRole {
  const { next } = current
  if (next !== null && next.name === model && next.dimensions === dimensions) {
    return { role: 'next', id: next.id }
  }
  if (current.dimensions === dimensions && (current.name === null || current.name === model)) {
    return { role: 'current', id: current.id }
  }
  const known = [
    `vectors of ${current.dimensions} dimensions${current.name === null ? '' : ` of the model "${current.name}"`}`,
    ...(next === null ? [] : [`of ${next.dimensions} of "${next.name}", to which a change is under way`]),
  ]
  throw new ConfigurationError(
    `the embedder must give ${known.join(', or ')}, got ${dimensions} dimensions of model "${model}": useEmbeddingModel (while no vector is stored) or beginModelChange takes another model`,
  )
}

/** Failed texts in a row, each tried alone, after which the embedder is taken to be broken and the rest is not tried. */
const hopelessAfter = 20

/**
 * Embeds texts so that one of them cannot spoil the others: what is refused together is tried in halves, down to the
 * text at fault. What the service is to blame for is not: it would fail the others as well.
 *
 * @returns for each text its vector, or the error that left it without.
 */
export async function embedEach(
  embedder: Embedder,
  texts: readonly string[],
  options: EmbedOptions = {},
): Promise<(Float32Array | EmbedderError)[]> {
  let failuresInARow = 0
  let fatal: EmbedderError | undefined

  async function embedSome(some: readonly string[]): Promise<(Float32Array | EmbedderError)[]> {
    if (fatal !== undefined) return some.map(() => fatal as EmbedderError)
    try {
      const vectors = await embedAll(embedder, some, options)
      failuresInARow = 0
      return vectors
    } catch (error) {
      const failure = embedderError(embedder, error, options.signal)
      if (failure.blames === 'service') fatal = failure
      if (failure.blames === 'service' || some.length === 1) {
        failuresInARow += 1
        if (failuresInARow >= hopelessAfter) fatal = failure
        return some.map(() => failure)
      }
      const half = Math.ceil(some.length / 2)
      return [...(await embedSome(some.slice(0, half))), ...(await embedSome(some.slice(half)))]
    }
  }
  return texts.length === 0 ? [] : embedSome(texts)
}

async function embedAll(embedder: Embedder, texts: readonly string[], options: EmbedOptions) {
  options.signal?.throwIfAborted()
  const vectors = await embedder.embed(texts, options)
  return checkedVectors(vectors, texts.length, embedder)
}

/** What came is what was asked for. @throws EmbedderError that says what was expected and what came. */
export function checkedVectors(
  vectors: readonly ArrayLike<number>[],
  count: number,
  { model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>,
): Float32Array[] {
  const wrong = (what: string, got: unknown, blames: 'texts' | 'service' = 'service') =>
    new EmbedderError(`the model "${model}" must give ${what}, got ${String(got)}`, { blames })
  if (!Array.isArray(vectors)) throw wrong('an array of vectors', typeof vectors)
  if (vectors.length !== count) throw wrong(`one vector a text, ${count}`, vectors.length)
  return vectors.map((given: ArrayLike<number> | null) => {
    // The embedder is not what it says it is: no text would ever fit.
    if (given?.length !== dimensions) {
      const got = given?.length ?? String(given)
      const message = `the model "${model}" must give vectors of ${dimensions} dimensions, got ${got}`
      throw new EmbedderError(message, { blames: 'service', cause: new ConfigurationError(message) })
    }
    const vector = Float32Array.from(given)
    const at = vector.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) throw wrong('finite numbers', `${given[at]} at position ${at}`, 'texts')
    // The table's own bounds: past them a cosine would not be a number.
    const length = Math.hypot(...vector)
    if (length < 1e-15 || length > 1e15)
      throw wrong('vectors with a direction', `one of length ${length}`, 'texts')
    return vector
  })
}

function embedderError(embedder: Embedder, error: unknown, signal: AbortSignal | undefined): EmbedderError {
  if (signal?.aborted) {
    return new EmbedderError(`embedding with "${embedder.model}" was stopped by the caller`, {
      cause: error,
      blames: 'service',
    })
  }
  if (error instanceof EmbedderError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new EmbedderError(`the model "${embedder.model}" failed: ${reason}`, {
    cause: error,
    blames: error instanceof ConfigurationError ? 'service' : 'texts',
  })
}
