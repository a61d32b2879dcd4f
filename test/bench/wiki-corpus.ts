import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { defaultDimensions } from '../../src/schema/embedding-models.ts'

/** A passage or a question, with its unit vector. */
export interface WikiText {
  readonly id: string
  readonly text: string
  readonly embedding: Float32Array
}

/** The folder of the Wikipedia sample: EVAL_DATA_DIR, else ../shared/data beside the project. Null where it is missing. */
export function wikiFolder(): string | null {
  const folder = `${process.env.EVAL_DATA_DIR || '../shared/data'}/wiki100k`
  return existsSync(`${folder}/passages.jsonl.gz`) ? folder : null
}

export function readPassages(folder: string): WikiText[] {
  return read(
    gunzipSync(readFileSync(`${folder}/passages.jsonl.gz`)).toString('utf8'),
    `${folder}/passages.i8`,
  )
}

export function readQuestions(folder: string): WikiText[] {
  return read(readFileSync(`${folder}/questions.jsonl`, 'utf8'), `${folder}/questions.i8`)
}

function read(jsonLines: string, vectorFile: string): WikiText[] {
  const bytes = new Int8Array(readFileSync(vectorFile))
  return jsonLines
    .trimEnd()
    .split('\n')
    .map((line, row) => {
      const { id, text } = JSON.parse(line) as { id: string; text: string }
      const at = row * defaultDimensions
      return {
        id,
        text,
        embedding: unit(bytes.subarray(at, at + defaultDimensions)),
      }
    })
}

/** A vector of length 1 in the same direction. */
export function unit(vector: ArrayLike<number>): Float32Array {
  let squares = 0
  for (let at = 0; at < vector.length; at++) squares += (vector[at] ?? 0) ** 2
  const norm = Math.sqrt(squares)
  return Float32Array.from(vector, (value) => value / norm)
}
