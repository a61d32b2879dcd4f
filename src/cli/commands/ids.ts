import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { builtRows } from '../../database/rows.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { CommandError } from '../exit.ts'

/** Fewer characters of an id than this are not looked up. */
const fewestCharacters = 4

/**
 * The whole id that a user means: the id itself, or the one that begins so.
 *
 * @throws CommandError if none does, or several do.
 */
export async function wholeMemoryId(db: Database, given: string): Promise<string> {
  const [exact] = await builtRows(() =>
    db.select({ id: memoryItems.id }).from(memoryItems).where(sql`${memoryItems.id} = ${given}`),
  )
  if (exact) return exact.id
  const begun =
    given.length < fewestCharacters
      ? []
      : await builtRows(() =>
          db
            .select({ id: memoryItems.id })
            .from(memoryItems)
            .where(sql`starts_with(${memoryItems.id}, ${given})`)
            .limit(2),
        )
  if (begun.length > 1) {
    throw new CommandError(`more than one memory has an id that begins with "${given}": give more of it`)
  }
  if (begun[0] === undefined) throw new CommandError(`there is no memory with the id "${given}"`)
  return begun[0].id
}
