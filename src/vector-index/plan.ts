import { checkedInteger } from '../database/check.ts'
import { InvalidInputError } from '../errors.ts'

/** How the vector index is built: `none` leaves every search to the exact scan. */
export type VectorIndexMethod = 'hnsw' | 'ivfflat' | 'none'

export interface VectorIndexParameters {
  /** IVFFlat: the clusters that the rows are divided into, 1 to 32,768. */
  readonly lists?: number
  /** HNSW: neighbours that each row is linked to, 2 to 100. */
  readonly m?: number
  /** HNSW: candidates looked at for each link, from 2 m to 1000. */
  readonly efConstruction?: number
}

/** Below so many passing rows a search always scans exactly, so an index over fewer would never be asked. */
export const fewestForIvfflat = 1000
const fewestInList = 10

const defaults = { m: 16, efConstruction: 64 }

/**
 * The parameters of an index over so many embeddings: what was asked for, else as many lists as a list then has
 * rows, and pgvector's default links, more of them above a million.
 *
 * pgvector's advice of a list for each 1000 rows up to a million is for its default of few probes: for a recall above
 * 0.99 at 100,000 rows, 53 of 316 lists took 8 ms and 30 of 100 took 13.
 *
 * Source: https://github.com/pgvector/pgvector#ivfflat
 */
export function planVectorIndex(
  method: VectorIndexMethod,
  embeddings: number,
  { lists, m, efConstruction }: VectorIndexParameters,
): Required<VectorIndexParameters> {
  const large = embeddings > 1_000_000
  const links = m ?? (large ? 24 : defaults.m)
  const plan = {
    lists: lists ?? recommendedLists(embeddings),
    m: links,
    efConstruction: efConstruction ?? Math.max(large ? 128 : defaults.efConstruction, 2 * links),
  }
  if (method === 'ivfflat') {
    const needed = Math.max(fewestForIvfflat, fewestInList * plan.lists)
    if (embeddings < needed) {
      throw new InvalidInputError(
        `an IVFFlat index learns its lists from the embeddings that are there: expected at least ${needed} for ${plan.lists} lists, got ${embeddings}. Store them first, or use hnsw`,
      )
    }
  }
  return plan
}

export function recommendedLists(embeddings: number): number {
  return Math.min(32_768, Math.max(1, Math.round(Math.sqrt(embeddings))))
}

/** The storage parameters as SQL. pgvector's defaults are left out, so that the index is the migrations' own again. */
export function storageParameters(method: VectorIndexMethod, plan: Required<VectorIndexParameters>): string {
  if (method === 'ivfflat') return ` WITH (lists = ${plan.lists})`
  const given = [
    ...(plan.m === defaults.m ? [] : [`m = ${plan.m}`]),
    ...(plan.efConstruction === defaults.efConstruction ? [] : [`ef_construction = ${plan.efConstruction}`]),
  ]
  return given.length === 0 ? '' : ` WITH (${given.join(', ')})`
}

export interface BuiltIndex {
  readonly method: VectorIndexMethod
  readonly options: Readonly<Record<string, number>>
}

/** What an index was built with, pgvector's defaults included. */
export function builtParameters({ method, options }: BuiltIndex): Partial<Required<VectorIndexParameters>> {
  if (method === 'ivfflat') return { lists: options.lists ?? 100 }
  if (method === 'hnsw') {
    return {
      m: options.m ?? defaults.m,
      efConstruction: options.ef_construction ?? defaults.efConstruction,
    }
  }
  return {}
}

/**
 * Whether an index serves as what is asked for. Lists that nobody asked for by number may be off by a factor of two:
 * a service that calls this at each start must not build anew whenever a thousand rows have come.
 */
export function servesAs(
  there: BuiltIndex,
  method: VectorIndexMethod,
  plan: Required<VectorIndexParameters>,
  asked: VectorIndexParameters,
): boolean {
  if (there.method !== method) return false
  const built = builtParameters(there)
  if (method === 'hnsw') return built.m === plan.m && built.efConstruction === plan.efConstruction
  const lists = built.lists ?? 0
  return asked.lists === undefined
    ? lists >= plan.lists / 2 && lists <= plan.lists * 2
    : lists === asked.lists
}

/** Refuses parameters that the method does not have or pgvector would not take. */
export function checkParameters(method: unknown, parameters: VectorIndexParameters): void {
  if (method !== 'hnsw' && method !== 'ivfflat' && method !== 'none') {
    throw new InvalidInputError(`method must be hnsw, ivfflat or none, got ${String(method)}`)
  }
  const { lists, m, efConstruction } = parameters
  for (const [name, value, its] of [
    ['lists', lists, 'ivfflat'],
    ['m', m, 'hnsw'],
    ['efConstruction', efConstruction, 'hnsw'],
  ] as const) {
    if (value !== undefined && its !== method) {
      throw new InvalidInputError(`${name} is an option of ${its}, got it with ${method}`)
    }
  }
  checkedInteger(lists, 'lists', { from: 1, to: 32_768, otherwise: 1 })
  const links = checkedInteger(m, 'm', { from: 2, to: 100, otherwise: defaults.m })
  checkedInteger(efConstruction, 'efConstruction', { from: 2 * links, to: 1000, otherwise: 2 * links })
}
