import type { Embedder } from '../embedding/embedder.ts'
import { openaiEmbedder } from '../embedding/openai-embedder.ts'
import { transformersEmbedder } from '../embedding/transformers-embedder.ts'
import { ConfigurationError } from '../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const kinds = ['openai', 'transformers', 'none']

/**
 * The embedder that the environment names, or undefined: memories are then found by keyword.
 *
 * - `OPA_EMBEDDER`: `openai` (any OpenAI-compatible endpoint), `transformers` (@huggingface/transformers in this process)
 *   or `none`; `openai` by default where a URL or a model is set, else `none`.
 * - `OPA_EMBEDDER_URL`: the endpoint, for example `http://localhost:11434/v1`; OpenAI's own by default.
 * - `OPA_EMBEDDER_MODEL`: the model's name. Needed for `openai`.
 * - `OPA_EMBEDDER_KEY`: the bearer token. For OpenAI's own endpoint `OPENAI_API_KEY` will do.
 * - `OPA_EMBEDDER_DIMENSIONS`: numbers of each vector, 384 by default; where it is set, the service is asked for so many.
 *
 * @throws ConfigurationError if a value cannot be right.
 */
export function embedderOf(environment: Environment): Embedder | undefined {
  const value = (name: string) => environment[`OPA_EMBEDDER${name}`] || undefined
  const url = value('_URL')
  const model = value('_MODEL')
  const kind = value('') ?? (url !== undefined || model !== undefined ? 'openai' : 'none')
  if (!kinds.includes(kind)) {
    throw new ConfigurationError(`OPA_EMBEDDER must be ${kinds.join(', ')}, got "${kind}"`)
  }
  const dimensions = dimensionsOf(value('_DIMENSIONS'))
  if (kind === 'none') return undefined
  if (kind === 'transformers') {
    return transformersEmbedder({ ...(model && { model }), ...(dimensions && { dimensions }) })
  }
  if (model === undefined) {
    throw new ConfigurationError(
      'OPA_EMBEDDER_MODEL must name the model of the embedding endpoint, and is not set',
    )
  }
  const apiKey = value('_KEY') ?? (url === undefined ? environment.OPENAI_API_KEY || undefined : undefined)
  return openaiEmbedder({
    model,
    ...(url && { url }),
    ...(apiKey && { apiKey }),
    ...(dimensions && { dimensions, sendDimensions: true }),
  })
}

function dimensionsOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,5}$/.test(value) || Number(value) < 1 || Number(value) > 16_000) {
    throw new ConfigurationError(
      `OPA_EMBEDDER_DIMENSIONS must be a whole number from 1 to 16000, got "${value}"`,
    )
  }
  return Number(value)
}
