import type { Embedder } from '../../src/embedding/embedder.ts'
import { vectorOf } from './embedding-server.ts'

/** An embedder of which no other says the same: a vector of one means nothing to another. */
function embedderOf(model: string, dimensions: number, sign: 1 | -1): Embedder {
  return {
    model,
    dimensions,
    embed: async (texts) => texts.map((text) => vectorOf(text, dimensions).map((value) => value * sign)),
  }
}

/** In the order of the changes: to more dimensions, to as many, to fewer. */
export const stormEmbedders = [
  embedderOf('old', 96, 1),
  embedderOf('wide', 320, 1),
  embedderOf('twin', 320, -1),
  embedderOf('narrow', 64, 1),
] as const
