import { describe, expect, it } from 'vitest'
import {
  type FeatureExtractor,
  type TransformersModule,
  transformersEmbedder,
} from '../../src/embedding/transformers-embedder.ts'
import { ConfigurationError, EmbedderError } from '../../src/errors.ts'
import { vectorOf } from '../support/embedding-server.ts'

/** A module with the interface of @huggingface/transformers, and a record of how it was used. */
function stub(change: { dims?: number[]; fail?: () => void } = {}) {
  const seen = {
    loads: 0,
    pipelines: [] as unknown[][],
    batches: [] as string[][],
    options: [] as unknown[],
    disposed: 0,
  }
  const extractor: FeatureExtractor = Object.assign(
    async (texts: string[], options: unknown) => {
      seen.batches.push(texts)
      seen.options.push(options)
      change.fail?.()
      const data = Float32Array.from(texts.flatMap((text) => Array.from(unit(vectorOf(text)))))
      return { dims: change.dims ?? [texts.length, 384], data }
    },
    {
      dispose: async () => {
        seen.disposed += 1
      },
    },
  )
  const load = async (): Promise<TransformersModule> => {
    seen.loads += 1
    return {
      pipeline: async (...arguments_) => {
        seen.pipelines.push(arguments_)
        return extractor
      },
    }
  }
  return { seen, load }
}

const unit = (vector: Float32Array) => vector.map((value) => value / Math.hypot(...vector))

describe('transformersEmbedder', () => {
  it('runs all-MiniLM-L6-v2 with mean pooling, normalised, in batches, and loads it once and late', async () => {
    const { seen, load } = stub()
    const embedder = transformersEmbedder({ load, batchSize: 2, pipelineOptions: { dtype: 'q8' } })
    expect(embedder).toMatchObject({ model: 'Xenova/all-MiniLM-L6-v2', dimensions: 384 })
    expect(await embedder.embed([])).toEqual([])
    expect(seen.loads).toBe(0)
    const [first] = await Promise.all([embedder.embed(['a', 'b', 'c']), embedder.embed(['d'])])
    expect(first).toEqual(['a', 'b', 'c'].map((text) => unit(vectorOf(text))))
    expect(seen.loads).toBe(1)
    expect(seen.pipelines).toEqual([['feature-extraction', 'Xenova/all-MiniLM-L6-v2', { dtype: 'q8' }]])
    expect(seen.batches.map((batch) => batch.length).sort()).toEqual([1, 1, 2])
    expect(seen.options[0]).toEqual({ pooling: 'mean', normalize: true })
    await embedder.dispose()
    expect(seen.disposed).toBe(1)
    await embedder.embed(['again'])
    expect(seen.loads).toBe(2)
  })

  it('says what to install when the package is missing', async () => {
    const failure = transformersEmbedder().embed(['a'])
    await expect(failure).rejects.toBeInstanceOf(ConfigurationError)
    await expect(failure).rejects.toThrow('npm install @huggingface/transformers')
  })

  it('tries to load again after a failure', async () => {
    const { load } = stub()
    let attempts = 0
    const flaky = async (): Promise<TransformersModule> => {
      attempts += 1
      if (attempts > 1) return load()
      return { pipeline: () => Promise.reject(new Error('no network')) }
    }
    const embedder = transformersEmbedder({ load: flaky })
    await expect(embedder.embed(['a'])).rejects.toMatchObject({
      code: 'embedder',
      blames: 'service',
      message: expect.stringContaining('could not be loaded: no network'),
    })
    expect(await embedder.embed(['a'])).toHaveLength(1)
  })

  it('refuses what a model gives that does not fit', async () => {
    const wide = transformersEmbedder({ load: stub().load, dimensions: 512 })
    await expect(wide.embed(['a'])).rejects.toThrow(/512 dimensions, got 384/)
    const unpooled = transformersEmbedder({ load: stub({ dims: [1, 8, 48] }).load })
    await expect(unpooled.embed(['a'])).rejects.toThrow(/a matrix, got dimensions 1 x 8 x 48/)
    const broken = transformersEmbedder({
      load: stub({
        fail: () => {
          throw new Error('out of memory')
        },
      }).load,
    })
    await expect(broken.embed(['a'])).rejects.toThrow(EmbedderError)
    await expect(broken.embed(['a'])).rejects.toThrow(/out of memory/)
  })

  it('stops between batches', async () => {
    const { seen, load } = stub()
    const stop = new AbortController()
    const embedder = transformersEmbedder({
      batchSize: 1,
      load: async () => {
        const module = await load()
        stop.abort()
        return module
      },
    })
    await expect(embedder.embed(['a', 'b'], { signal: stop.signal })).rejects.toThrow(/abort/)
    expect(seen.batches).toEqual([])
  })
})
