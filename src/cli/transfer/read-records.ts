import { InvalidInputError } from '../../errors.ts'
import type { NewMemory } from '../../memory/new-memory.ts'
import { UsageError } from '../exit.ts'
import { modelKey } from './columns.ts'
import { csvRecords } from './csv.ts'
import { adviceOnUnknown, type Mapping, memoryOf, recordOfCells, unknownNames } from './fields.ts'
import { jsonLines } from './json-lines.ts'
import type { ExportedRow } from './restore-rows.ts'

export type Format = 'jsonl' | 'csv'

/** A record of the input, read: a row of an export, a memory to remember, or why it is neither. */
export type Read = { readonly line: number; readonly input: string; readonly end: number } & (
  | { readonly kind: 'row'; readonly row: ExportedRow }
  | { readonly kind: 'memory'; readonly memory: NewMemory }
  | { readonly kind: 'bad'; readonly reason: string }
)

/**
 * Reads the records of an input, some at a time.
 *
 * @throws UsageError for an input that is no such file at all.
 */
export function readRecords(
  input: AsyncIterable<Buffer>,
  format: Format,
  mapping: Mapping,
): AsyncGenerator<Read[]> {
  return format === 'csv' ? readCsv(input, mapping) : readJson(input, mapping)
}

async function* readJson(input: AsyncIterable<Buffer>, mapping: Mapping): AsyncGenerator<Read[]> {
  let isFirst = true
  for await (const records of jsonLines(input)) {
    yield records.map(({ line, text, problem, end }): Read => {
      if (isFirst && text.startsWith('[')) {
        throw new UsageError("the input is one JSON array: make lines of it, for example jq -c '.[]'")
      }
      isFirst = false
      const at = { line, input: text, end }
      return problem === undefined ? readLine(text, at, mapping) : { ...at, kind: 'bad', reason: problem }
    })
  }
}

function readLine(text: string, at: { line: number; input: string; end: number }, mapping: Mapping): Read {
  return orBad(at, () => {
    let record: unknown
    try {
      record = JSON.parse(text)
    } catch (cause) {
      throw new InvalidInputError(`not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw new InvalidInputError('a line must be a JSON object')
    }
    const fields = record as Record<string, unknown>
    if (isExported(fields, mapping)) {
      const model = fields[modelKey]
      const row = {
        id: fields.id as string,
        keys: Object.keys(fields),
        line: text,
        dimensions: Array.isArray(fields.embedding) ? fields.embedding.length : 0,
        model: typeof model === 'string' ? model : undefined,
      }
      return { kind: 'row', row }
    }
    return { kind: 'memory', memory: memoryOf(fields, mapping) }
  })
}

/** Only an export says when a row was last changed. Its rows are written as they were, not remembered anew. */
function isExported(fields: Readonly<Record<string, unknown>>, mapping: Mapping): boolean {
  return (
    mapping.targets.size === 0 &&
    typeof fields.id === 'string' &&
    typeof fields.namespace === 'string' &&
    typeof fields.updated_at === 'string'
  )
}

async function* readCsv(input: AsyncIterable<Buffer>, mapping: Mapping): AsyncGenerator<Read[]> {
  let header: readonly string[] | undefined
  for await (const records of csvRecords(input)) {
    const read: Read[] = []
    for (const { line, cells, end } of records) {
      if (header === undefined) {
        header = checkedHeader(cells, mapping)
        continue
      }
      const names = header
      read.push(
        orBad({ line, input: cells.join(','), end }, () => ({
          kind: 'memory',
          memory: memoryOf(recordOfCells(names, cells, mapping), mapping),
        })),
      )
    }
    yield read
  }
}

function checkedHeader(header: readonly string[], mapping: Mapping): readonly string[] {
  const names = header.map((name) => name.trim())
  const unknown = unknownNames(names, mapping)
  if (unknown.length > 0) throw new UsageError(`the header has ${adviceOnUnknown(unknown)}`)
  const missing = [...mapping.targets.keys()].find((name) => !names.includes(name))
  if (missing !== undefined) {
    throw new UsageError(
      `--map names "${missing}", and the header has ${names.map((name) => `"${name}"`).join(', ')}`,
    )
  }
  return names
}

type Content =
  | { readonly kind: 'row'; readonly row: ExportedRow }
  | { readonly kind: 'memory'; readonly memory: NewMemory }

function orBad(at: { line: number; input: string; end: number }, read: () => Content): Read {
  try {
    return { ...at, ...read() }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    return { ...at, kind: 'bad', reason: error.message }
  }
}
