import { sql } from 'drizzle-orm'
import type { Database } from '../../../database/database.ts'
import { queryRows } from '../../../database/rows.ts'
import { getJob } from '../../../jobs/reading/get-job.ts'
import { CommandError } from '../../exit.ts'

const fewestCharacters = 4

/**
 * The whole id that a user means: the id itself, or the one that ends or begins so.
 *
 * @throws CommandError if none does, or several do.
 */
export async function wholeJobId(db: Database, given: string): Promise<string> {
  if ((await getJob(db, { id: given })) !== null) return given
  const rows =
    given.length < fewestCharacters
      ? []
      : await queryRows(
          db,
          sql`SELECT id FROM jobs
            WHERE right(id, length(${given}::text)) = ${given}::text OR starts_with(id, ${given}::text) LIMIT 2`,
        )
  if (rows.length > 1) throw new CommandError(`more than one job has an id like "${given}": give more of it`)
  if (rows[0] === undefined) throw new CommandError(`there is no job with the id "${given}"`)
  return String(rows[0].id)
}
