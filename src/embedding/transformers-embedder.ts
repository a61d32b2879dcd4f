import { checkedInteger } from '../database/check.ts'
import { ConfigurationError, EmbedderError } from '../errors.ts'
import { defaultDimensions } from '../schema/embedding-models.ts'
import { checkedVectors, type Embedder, type EmbedOptions } from './embedder.ts'
import { knownModel } from './known-models.ts'

/** What is used of @huggingface/transformers; checked against the types of version 4.3. */
export interface TransformersModule {
  pipeline(
    task: 'feature-extraction',
    model: string,
    options: Record<string, unknown>,
  ): Promise<FeatureExtractor>
}

export interface FeatureExtractor {
  (texts: string[], options: { pooling: 'mean'; normalize: true }): Promise<FeatureTensor>
  dispose(): Promise<unknown>
}

export interface FeatureTensor {
  readonly dims: readonly number[]
  readonly data: ArrayLike<unknown>
  dispose?(): void
}

export interface TransformersEmbedderOptions {
  /** A model of the Hugging Face hub with ONNX weights, or a local folder; `Xenova/all-MiniLM-L6-v2` by default. */
  readonly model?: string
  /** By default what the model is known to give, else 384. */
  readonly dimensions?: number
  /** How many tokens of a text the model reads; by default what is known of the model. */
  readonly maxTokens?: number
  /** Texts a pass, 1 to 1024; 32 by default. */
  readonly batchSize?: number
  /** What else `pipeline` takes: `dtype` ('fp32', 'q8'), `device`, `cache_dir`, `local_files_only`, `revision`. */
  readonly pipelineOptions?: Readonly<Record<string, unknown>>
  /** How the module is loaded; by default `import('@huggingface/transformers')`. */
  readonly load?: () => Promise<TransformersModule>
}

export interface TransformersEmbedder extends Embedder {
  /** Frees the model's memory. The next `embed` loads it again. */
  dispose(): Promise<void>
}

const packageName = '@huggingface/transformers'

/**
 * An embedder in this process: a sentence model run by @huggingface/transformers (an optional peer dependency), with
 * mean pooling, at length 1. The package and the model are loaded at the first `embed`; the model's weights are
 * downloaded once and cached. A model reads only the beginning of a long text (all-MiniLM-L6-v2: 256 to 512 tokens).
 *
 * @throws ConfigurationError from `embed` if the package is not installed; EmbedderError if the model cannot be loaded,
 *   or gives vectors of other dimensions.
 * @example
 * const memory = createMemory(db, transformersEmbedder())
 * @see Reimers and Gurevych, Sentence-BERT, 2019
 */
export function transformersEmbedder(options: TransformersEmbedderOptions = {}): TransformersEmbedder {
  const { model = 'Xenova/all-MiniLM-L6-v2', pipelineOptions = {}, load = importTransformers } = options
  const known = knownModel(model)
  const dimensions = checkedInteger(options.dimensions, 'dimensions', {
    from: 1,
    to: 16_000,
    otherwise: known?.dimensions ?? defaultDimensions,
  })
  const maxTokens = checkedInteger(options.maxTokens, 'maxTokens', {
    from: 1,
    to: 10_000_000,
    otherwise: known?.maxTokens ?? 0,
  })
  const batchSize = checkedInteger(options.batchSize, 'batchSize', { from: 1, to: 1024, otherwise: 32 })
  let loading: Promise<FeatureExtractor> | undefined

  async function extractor(): Promise<FeatureExtractor> {
    loading ??= loadExtractor(load, model, pipelineOptions)
    try {
      return await loading
    } catch (error) {
      // The network may be back at the next call.
      loading = undefined
      throw error
    }
  }

  return {
    model,
    dimensions,
    ...(maxTokens === 0 ? {} : { maxTokens }),
    async embed(texts, { signal }: EmbedOptions = {}) {
      signal?.throwIfAborted()
      if (texts.length === 0) return []
      const extract = await extractor()
      const vectors: Float32Array[] = []
      for (let from = 0; from < texts.length; from += batchSize) {
        // A pass cannot be interrupted, so it is here that a caller's wish to stop is seen.
        signal?.throwIfAborted()
        const batch = texts.slice(from, from + batchSize)
        const rows = await rowsOf(extract, batch, model)
        vectors.push(...checkedVectors(rows, batch.length, { model, dimensions }))
      }
      return vectors
    },
    async dispose() {
      const loaded = loading
      loading = undefined
      await (await loaded?.catch(() => undefined))?.dispose()
    },
  }
}

async function loadExtractor(
  load: () => Promise<TransformersModule>,
  model: string,
  options: Record<string, unknown>,
): Promise<FeatureExtractor> {
  const { pipeline } = await load()
  try {
    return await pipeline('feature-extraction', model, { ...options })
  } catch (error) {
    throw new EmbedderError(`the model "${model}" could not be loaded: ${messageOf(error)}`, {
      cause: error,
      blames: 'service',
    })
  }
}

async function rowsOf(extract: FeatureExtractor, texts: string[], model: string): Promise<Float32Array[]> {
  let tensor: FeatureTensor
  try {
    tensor = await extract(texts, { pooling: 'mean', normalize: true })
  } catch (error) {
    throw new EmbedderError(`the model "${model}" failed: ${messageOf(error)}`, { cause: error })
  }
  const { dims, data } = tensor
  const [rows = 0, width = 0] = dims
  if (dims.length !== 2 || data.length !== rows * width) {
    throw new EmbedderError(`the model "${model}" must give a matrix, got dimensions ${dims.join(' x ')}`, {
      blames: 'service',
    })
  }
  // Copied before the tensor's memory is given back.
  const numbers = Float32Array.from(data, Number)
  tensor.dispose?.()
  return Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width))
}

async function importTransformers(): Promise<TransformersModule> {
  try {
    // Not a literal: neither the type checker nor a bundler may require an optional package.
    return (await import(packageName as string)) as TransformersModule
  } catch (error) {
    // Node says so by a code, a bundler's stub for an optional package in words.
    const isMissing =
      (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' ||
      /^Could not resolve/.test(messageOf(error))
    if (!isMissing || !messageOf(error).includes(packageName)) throw error
    throw new ConfigurationError(`transformersEmbedder needs a package: npm install ${packageName}`, {
      cause: error,
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
