import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Gains } from '../../src/index.ts'

export const collectionNames = ['cranfield', 'med', 'cisi', 'cacm', 'npl'] as const
export type CollectionName = (typeof collectionNames)[number]

export interface Document {
  readonly id: string
  readonly text: string
}

export interface Collection {
  readonly name: CollectionName
  readonly documents: readonly Document[]
  /** The queries that anybody judged; the others would only add zeros. */
  readonly queries: readonly (Document & { readonly judgements: Gains; readonly at: number })[]
  /** Sets of vectors by name, in file order; null stands for a zero vector, which has no direction. */
  readonly vectors: ReadonlyMap<string, Vectors>
  /** Scores by an independent program: by method, then by metric. */
  readonly reference: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export interface Vectors {
  readonly documents: readonly (Float32Array | null)[]
  readonly queries: readonly (Float32Array | null)[]
}

const dimensions = 384

/** Where the collections are: EVAL_DATA_DIR, else ../shared/data beside the project. */
export function dataDirectory(): string {
  return process.env.EVAL_DATA_DIR || fileURLToPath(new URL('../../../shared/data', import.meta.url))
}

export function hasCollection(directory: string, name: CollectionName): boolean {
  return existsSync(`${directory}/${name}/corpus.jsonl`)
}

/** Documents and judged queries, as every collection has them. */
export function readJudged(folder: string): Pick<Collection, 'documents' | 'queries'> {
  const judgements = new Map<string, Map<string, number>>()
  for (const line of linesOf(`${folder}/qrels.tsv`)) {
    const [query = '', document = '', relevance = ''] = line.split('\t')
    const judged = judgements.get(query) ?? new Map()
    if (Number(relevance) > 0) judgements.set(query, judged.set(document, Number(relevance)))
  }
  const queries = linesOf(`${folder}/queries.jsonl`).map((line) => JSON.parse(line) as Document)
  return {
    documents: linesOf(`${folder}/corpus.jsonl`).map((line) => JSON.parse(line)),
    queries: queries.flatMap(({ id, text }, at) => {
      const judged = judgements.get(id)
      return judged === undefined ? [] : [{ id, text, at, judgements: judged }]
    }),
  }
}

export function readCollection(directory: string, name: CollectionName): Collection {
  const folder = `${directory}/${name}`
  const sets = ['lsa', 'w2v'].filter((set) => existsSync(`${folder}/${set}_corpus.f32`))
  return {
    name,
    ...readJudged(folder),
    vectors: new Map(
      sets.map((set) => [
        set,
        {
          documents: readVectors(`${folder}/${set}_corpus.f32`),
          queries: readVectors(`${folder}/${set}_queries.f32`),
        },
      ]),
    ),
    reference: JSON.parse(readFileSync(`${folder}/reference_scores.json`, 'utf8')),
  }
}

/**
 * The text as the reference's program takes it apart: runs of letters and digits, where PostgreSQL's parser also knows
 * compound words, paths and numbers with a point. Quotes and minuses, which whoever wrote a query did not mean as
 * operators, are gone as well.
 */
export function plainWords(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, ' ')
}

function readVectors(file: string): (Float32Array | null)[] {
  const bytes = readFileSync(file)
  // Copied, because a Buffer need not begin where a Float32Array may.
  const numbers = new Float32Array(new Uint8Array(bytes).buffer)
  return Array.from({ length: numbers.length / dimensions }, (_, at) => {
    const vector = numbers.subarray(at * dimensions, (at + 1) * dimensions)
    return vector.some((value) => value !== 0) ? vector : null
  })
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean)
}
