import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { postgresError, queryRows } from '../../database/rows.ts'
import { memoryItems } from '../../schema/memory-items.ts'

/** ALTER TABLE waits for the writers that are under way, and whoever comes later waits behind it: so not for long. */
const lockTimeoutMs = 1000
const attempts = 30

/** The name of the constraint that refuses a namespace. */
export function stopName(namespace: string): string {
  return `memory_items_moved_${createHash('sha256').update(namespace).digest('hex').slice(0, 16)}_check`
}

/**
 * Refuses every insert and update of a namespace from now on; other namespaces are not touched. When it returns, no
 * transaction that wrote before is still open, because the table's lock was waited for.
 *
 * @throws DatabaseError if the lock could not be had.
 */
export async function stopWrites(db: Database, namespace: string): Promise<void> {
  const literal = `'${namespace.replaceAll("'", "''")}'`
  const constraint = sql.raw(
    `ADD CONSTRAINT ${stopName(namespace)} CHECK (namespace OPERATOR(pg_catalog.<>) E${literal.replaceAll('\\', '\\\\')}) NOT VALID`,
  )
  for (let attempt = 1; ; attempt++) {
    try {
      await db.transaction(async (transaction) => {
        await transaction.execute(sql.raw(`SET LOCAL lock_timeout = ${lockTimeoutMs}`))
        await queryRows(transaction, sql`ALTER TABLE ${memoryItems} ${constraint}`)
      })
      return
    } catch (error) {
      // lock_not_available: those who waited behind may write, then it is tried again.
      if (postgresError(error)?.code !== '55P03' || attempt === attempts) throw error
      await sleep(50 * attempt)
    }
  }
}

/** Takes a refusal back, if there is one. */
export async function allowWrites(db: Database, namespace: string): Promise<void> {
  const name = stopName(namespace)
  const [row] = await queryRows(
    db,
    sql`SELECT FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
      WHERE conname = ${name}::text AND pg_class.oid = to_regclass('memory_items')`,
  )
  if (row !== undefined) await queryRows(db, sql`ALTER TABLE ${memoryItems} DROP CONSTRAINT ${sql.raw(name)}`)
}
