import { ConfigurationError, EmbedderError } from '../errors.ts'
import { embeddingDimensions } from '../schema/memory-items.ts'

export interface EmbedOptions {
  /** Ends the work; `embed` then rejects. */
  readonly signal?: AbortSignal
}

/**
 * What makes vectors of texts. Bring your own, or use `transformersEmbedder` or `openaiEmbedder`. All vectors of a
 * database must come from the same model: those of two models say nothing about each other.
 *
 * @example
 * const embedder: Embedder = { model: 'mine', dimensions: 384, embed: (texts) => myService.vectors(texts) }
 */
export interface Embedder {
  /** The model's name, for people and for error messages. */
  readonly model: string
  /** The length of every vector; `memory_items.embedding` takes 384. */
  readonly dimensions: number
  /** One vector a text, in the order of the texts. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>
}

/** Refuses an embedder whose vectors the table could not hold. @throws ConfigurationError */
export function checkEmbedder(embedder: Embedder): void {
  if (embedder.dimensions !== embeddingDimensions) {
    throw new ConfigurationError(
      `the embedder must give vectors of ${embeddingDimensions} dimensions, got ${embedder.dimensions} of model "${embedder.model}"`,
    )
  }
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
