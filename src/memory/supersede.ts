import { sql } from 'drizzle-orm'
import { checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, translatingErrors } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { checkedTime } from '../database/time.ts'
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts'
import { type NewMemory, newMemoryKeys } from './new-memory.ts'
import { remember } from './remember.ts'

export interface SupersedeByOptions {
  /** The memory that is no longer so. */
  readonly id: string
  /** The memory that takes its place, which is there already, in the same namespace. */
  readonly by: string
  /** When the old one ceased to be true: what it says itself, or the new one's `validFrom`, or now, by default. */
  readonly validTo?: Date | string
}

/** A new memory that takes the place of another; its namespace is the other's. */
export interface SupersedeWithTextOptions extends Omit<NewMemory, 'id' | 'key' | 'namespace'> {
  readonly id: string
  readonly by?: never
  /** The id of the new memory; see `NewMemory.id`. */
  readonly newId?: string
}

export interface SupersedeResult {
  /** The memory that was superseded, and the one that took its place. */
  readonly id: string
  readonly by: string
  /** Whether the new one was not there before. */
  readonly created: boolean
}

const byKeys = { id: true, by: true, validTo: true } satisfies OptionKeys<SupersedeByOptions>
const { key: _, namespace: __, ...memoryKeys } = newMemoryKeys
const textKeys = { ...memoryKeys, newId: true } as const

/**
 * Puts a memory in the place of another, when facts have changed: the old one stays, knows what replaced it
 * (`supersededBy`) and is out of every search from then on, except one that asks for the past (`filter.asOf`). Said again
 * with the same `by`, nothing changes.
 *
 * `validTo` among the options of a new text is the new memory's own; the old one's validity ends where the new one's
 * begins (`validFrom`), or now.
 *
 * @throws NotFoundError if either memory is not there (or in another namespace); ConflictError if one of them is
 *   superseded already, or they are the same.
 * @example
 * await supersede(db, { id, text: 'Ana lives in Oslo', validFrom: '2026-03-01T00:00:00Z' })
 * @example
 * await supersede(db, { id: parisId, by: osloId })
 */
export async function supersede(
  db: Database,
  options: SupersedeByOptions | SupersedeWithTextOptions,
): Promise<SupersedeResult> {
  checkOptions(options, 'by' in options ? byKeys : textKeys)
  checkText(options.id, 'id')
  if (isBy(options)) return supersedeBy(db, options)
  const { id, newId, ...memory } = options
  if (memory.text === undefined)
    throw new InvalidInputError('by or text must say what takes the place of the memory, got neither')

  return translatingErrors(() =>
    db.transaction(async (transaction) => {
      const [old] = await queryRows(
        transaction,
        sql`SELECT namespace, superseded_by FROM ${api(db)}memory_items WHERE id = ${id}::text FOR UPDATE`,
      )
      if (old === undefined) throw new NotFoundError(`there is no memory "${id.slice(0, 60)}" to supersede`)
      if (old.superseded_by !== null)
        throw new ConflictError(
          `the memory "${id.slice(0, 60)}" is superseded already, by "${String(old.superseded_by)}"`,
        )
      // Out of the way first: the new memory may say the same, and would be taken for the old one.
      await queryRows(
        transaction,
        sql`UPDATE ${api(db)}memory_items SET superseded_at = now(), superseded_by = id WHERE id = ${id}::text`,
      )
      const written = await remember(transaction, {
        ...memory,
        namespace: String(old.namespace),
        ...(newId === undefined ? {} : { id: newId }),
      })
      if (written.id === id)
        throw new ConflictError(`the memory "${id.slice(0, 60)}" cannot supersede itself`)
      await queryRows(
        transaction,
        sql`
          UPDATE ${api(db)}memory_items AS m SET superseded_by = successor.id,
            valid_to = greatest(COALESCE(m.valid_to, successor.valid_from, now()), m.valid_from)
          FROM ${api(db)}memory_items AS successor
          WHERE m.id = ${id}::text AND successor.id = ${written.id}::text
        `,
      )
      return { id, by: written.id, created: written.created }
    }),
  )
}

function isBy(options: SupersedeByOptions | SupersedeWithTextOptions): options is SupersedeByOptions {
  return options.by !== undefined
}

async function supersedeBy(db: Database, { id, by, validTo }: SupersedeByOptions): Promise<SupersedeResult> {
  checkText(by, 'by')
  const ending = validTo === undefined ? null : checkedTime(validTo, 'validTo')
  await queryRows(
    db,
    sql`SELECT ${api(db)}supersede_memory(${id}::text, ${by}::text, ${ending}::text::timestamptz)`,
  )
  return { id, by, created: false }
}
