import { InvalidInputError } from '../../errors.ts'
import type { NewMemory } from '../../memory/new-memory.ts'
import { UsageError } from '../exit.ts'

type Field = keyof NewMemory & string

/** What a record may say of a memory, by the names of the columns and of the API. */
const fieldNames: Readonly<Record<string, Field>> = {
  id: 'id',
  namespace: 'namespace',
  text: 'text',
  tags: 'tags',
  speaker_id: 'speakerId',
  speakerId: 'speakerId',
  metadata: 'metadata',
  embedding: 'embedding',
  importance: 'importance',
  expires_at: 'expiresAt',
  expiresAt: 'expiresAt',
  created_at: 'createdAt',
  createdAt: 'createdAt',
}

/** What becomes of a field that is none of a memory's and is not mapped. */
export type Rest = 'refuse' | 'metadata' | 'ignore'

export interface Mapping {
  /** The memory's field (or `metadata.key`) for each mapped field of the input. */
  readonly targets: ReadonlyMap<string, string>
  readonly rest: Rest
  /** For records that name no namespace. */
  readonly namespace?: string | undefined
}

/**
 * Reads `--map text=content --map metadata.source=url`.
 *
 * @throws UsageError for what is no mapping, or names a field that a memory does not have.
 */
export function readMapping(
  pairs: readonly string[],
  { rest, namespace }: { rest: Rest; namespace?: string | undefined },
): Mapping {
  const targets = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const [target, source] = [pair.slice(0, at), pair.slice(at + 1)]
    const field = fieldNames[target] ?? (/^metadata\../.test(target) ? target : undefined)
    if (at < 1 || source === '' || field === undefined) {
      throw new UsageError(
        `--map takes FIELD=NAME, where NAME is the input's and FIELD one of ${listOfFields}, metadata.KEY; got "${pair}"`,
      )
    }
    if ([...targets.values()].includes(field)) throw new UsageError(`--map names ${target} twice`)
    targets.set(source, field)
  }
  return { targets, rest, namespace }
}

const listOfFields = Object.keys(fieldNames)
  .filter((name) => !/[A-Z]/.test(name))
  .join(', ')

/** The names that a mapping does not know, of those that an input has. */
export function unknownNames(names: readonly string[], { targets, rest }: Mapping): string[] {
  return rest === 'refuse' ? names.filter((name) => !targets.has(name) && fieldNames[name] === undefined) : []
}

/** What to do about unknown names, in words. */
export function adviceOnUnknown(names: readonly string[]): string {
  const list = names.map((name) => `"${name}"`).join(', ')
  return `${list}: no field of a memory. Name it with --map FIELD=NAME, or say --rest metadata or --rest ignore`
}

/**
 * A memory from a record of the input. `null` and, in CSV, the empty cell are what is not given.
 *
 * @throws InvalidInputError that says what is wrong with the record.
 */
export function memoryOf(record: Readonly<Record<string, unknown>>, mapping: Mapping): NewMemory {
  const memory: Record<string, unknown> = {}
  const metadata: Record<string, unknown> = {}
  const unknown = unknownNames(Object.keys(record), mapping)
  if (unknown.length > 0) throw new InvalidInputError(adviceOnUnknown(unknown))
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === undefined) continue
    const target = mapping.targets.get(name) ?? fieldNames[name]
    if (target === undefined) {
      if (mapping.rest === 'metadata') metadata[name] = value
    } else if (target.startsWith('metadata.')) {
      metadata[target.slice('metadata.'.length)] = value
    } else {
      memory[target] = value
    }
  }
  if (mapping.namespace !== undefined) memory.namespace ??= mapping.namespace
  if (Object.keys(metadata).length > 0) memory.metadata = { ...objectOf(memory.metadata), ...metadata }
  refuseLongIntegers(memory.metadata, 'metadata')
  return memory as unknown as NewMemory
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

/** JSON may have numbers that JavaScript cannot hold: their last digits would change without a word. */
function refuseLongIntegers(value: unknown, name: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new InvalidInputError(
      `${name} has a number of more than 15 digits, which would lose some: write it as text`,
    )
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) refuseLongIntegers(inner, `${name}.${key}`)
}

/** A record from the cells of a CSV file: everything is text there, and some fields of a memory are not. */
export function recordOfCells(
  header: readonly string[],
  cells: readonly string[],
  mapping: Mapping,
): Record<string, unknown> {
  if (cells.length !== header.length) {
    throw new InvalidInputError(`the header has ${header.length} columns, and this record ${cells.length}`)
  }
  return Object.fromEntries(
    header.map((name, at) => {
      const target = mapping.targets.get(name) ?? fieldNames[name]
      const cell = cells[at] ?? ''
      return [name, cell === '' ? null : valueOfCell(target, cell)]
    }),
  )
}

function valueOfCell(target: string | undefined, cell: string): unknown {
  if (target === 'importance') {
    const number = Number(cell)
    if (cell.trim() === '' || Number.isNaN(number)) {
      throw new InvalidInputError(`importance must be a number from 0 to 1, got ${cell.slice(0, 60)}`)
    }
    return number
  }
  if (target === 'tags' && !cell.startsWith('[')) {
    return cell
      .split(';')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '')
  }
  return target === 'tags' || target === 'metadata' || target === 'embedding' ? parsed(cell, target) : cell
}

function parsed(cell: string, target: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (cause) {
    throw new InvalidInputError(`${target} must be JSON, got ${cell.slice(0, 60)}`, { cause })
  }
}
