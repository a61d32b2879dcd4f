import type { Embedder } from './embedder.ts'

/** What is known of a model by its name alone. */
export type KnownModel = Required<Pick<Embedder, 'dimensions' | 'maxTokens'>>

/** From the models' own cards: dimensions, and how many tokens of a text they read. */
const knownModels = new Map<string, KnownModel>([
  ['text-embedding-3-small', { dimensions: 1536, maxTokens: 8191 }],
  ['text-embedding-3-large', { dimensions: 3072, maxTokens: 8191 }],
  ['text-embedding-ada-002', { dimensions: 1536, maxTokens: 8191 }],
  ['bge-m3', { dimensions: 1024, maxTokens: 8192 }],
  ['mxbai-embed-large', { dimensions: 1024, maxTokens: 512 }],
  ['nomic-embed-text', { dimensions: 768, maxTokens: 2048 }],
  ['all-minilm', { dimensions: 384, maxTokens: 256 }],
  ['all-minilm-l6-v2', { dimensions: 384, maxTokens: 256 }],
  ['bge-small-en-v1.5', { dimensions: 384, maxTokens: 512 }],
  ['bge-base-en-v1.5', { dimensions: 768, maxTokens: 512 }],
  ['bge-large-en-v1.5', { dimensions: 1024, maxTokens: 512 }],
  ['multilingual-e5-small', { dimensions: 384, maxTokens: 512 }],
  ['multilingual-e5-large', { dimensions: 1024, maxTokens: 512 }],
])

/** A model by its name, with or without the owner before a slash and the tag after a colon; undefined if not known. */
export function knownModel(name: string): KnownModel | undefined {
  const bare = name.toLowerCase().replace(/^.*\//, '').replace(/:.*$/, '')
  return knownModels.get(bare)
}
