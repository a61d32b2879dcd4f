import type { Database } from '../../database/database.ts'
import { ConflictError, InvalidInputError } from '../../errors.ts'
import { rememberMany } from '../../memory/remember-many.ts'
import type { Read } from './read-records.ts'
import { type RestoreOutcome, restoreRows } from './restore-rows.ts'

export interface Stored {
  created: number
  updated: number
  unchanged: number
}

export interface Rejected {
  readonly line: number
  readonly reason: string
  readonly input: string
}

export interface StoreResult {
  readonly stored: Stored
  readonly rejected: readonly Rejected[]
  /** The id of one of the records that are stored. */
  readonly id: string | undefined
}

type MemoryRecord = Read & { kind: 'memory' }
type RowRecord = Read & { kind: 'row' }

/** Stores records that were read. What cannot be stored is in `rejected`, and the rest goes on. */
export async function storeRecords(
  db: Database,
  records: readonly Read[],
  withVectors: boolean,
): Promise<StoreResult> {
  const stored: Stored = { created: 0, updated: 0, unchanged: 0 }
  const rejected: Rejected[] = []
  let id: string | undefined
  const reject = ({ line, input }: Read, reason: string) => rejected.push({ line, reason, input })

  for (const record of records) if (record.kind === 'bad') reject(record, record.reason)
  const memories = records.filter((record): record is MemoryRecord => record.kind === 'memory')
  await dividing(
    memories,
    async (part) => {
      const results = await rememberMany(db, {
        items: part.map(({ memory }) => (withVectors ? memory : { ...memory, embedding: null })),
        batchSize: rowsInStatement,
      })
      for (const result of results) {
        if (result.created) stored.created += 1
        else stored.updated += 1
        id = result.id
      }
    },
    reject,
  )
  for (const rows of alike(records.filter((record): record is RowRecord => record.kind === 'row'))) {
    await dividing(
      rows,
      async (part) => {
        const outcomes = await restoreRows(
          db,
          part.map(({ row }) => row),
          withVectors,
        )
        for (const record of part) {
          const outcome = outcomes.get(record.row.id) as RestoreOutcome
          if (outcome === 'foreign') reject(record, `the id "${record.row.id}" belongs to another namespace`)
          else stored[outcome] += 1
          if (outcome !== 'foreign') id = record.row.id
        }
      },
      reject,
    )
  }
  return { stored, rejected: rejected.sort((one, other) => one.line - other.line), id }
}

const rowsInStatement = 500

/** Records of the same columns, each id once, in parts of a statement's size. */
function alike(records: readonly RowRecord[]): RowRecord[][] {
  const parts: { keys: string; ids: Set<string>; records: RowRecord[] }[] = []
  for (const record of records) {
    const keys = [record.row.model ?? '', ...record.row.keys].join()
    const last = parts.at(-1)
    const fits =
      last !== undefined &&
      last.keys === keys &&
      last.records.length < rowsInStatement &&
      !last.ids.has(record.row.id)
    if (fits) {
      last.ids.add(record.row.id)
      last.records.push(record)
    } else {
      parts.push({ keys, ids: new Set([record.row.id]), records: [record] })
    }
  }
  return parts.map((part) => part.records)
}

/** Stores all of them together; if that is refused, each half on its own, until it is known which one is at fault. */
async function dividing<T extends Read>(
  records: readonly T[],
  store: (records: readonly T[]) => Promise<void>,
  reject: (record: T, reason: string) => void,
): Promise<void> {
  const [first] = records
  if (first === undefined) return
  try {
    await store(records)
  } catch (error) {
    if (!(error instanceof InvalidInputError || error instanceof ConflictError)) throw error
    if (records.length === 1) {
      reject(first, error.message)
      return
    }
    const middle = records.length >> 1
    await dividing(records.slice(0, middle), store, reject)
    await dividing(records.slice(middle), store, reject)
  }
}
