import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { type Connection, connect } from '../../src/index.ts'
import type { TestDatabase } from './backends.ts'

/** Roles belong to the whole server, so their names are this run's own. */
export function roleName(name: string): string {
  return `opa_test_${name}_${randomBytes(4).toString('hex')}`
}

/** Makes login roles, some with rights on memory_items, and drops them after the describe block. */
export async function createRoles(db: Database, roles: Record<string, string | null>): Promise<void> {
  for (const [role, rights] of Object.entries(roles)) {
    await db.execute(sql.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`))
    if (rights === null) continue
    await db.execute(
      sql`SELECT ${sql.raw(rights === 'SELECT' ? 'grant_reader' : 'grant_service')}(${role.replaceAll('"', '')}::text)`,
    )
  }
}

export async function dropRoles(db: Database, roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    await db.execute(sql.raw(`DROP OWNED BY ${role}`))
    await db.execute(sql.raw(`DROP ROLE ${role}`))
  }
}

/**
 * Gives connections as other roles: logged in on a server; on the embedded database, which has one connection, by
 * SET LOCAL ROLE in a transaction around the work.
 */
export function actingAs(test: TestDatabase & { readonly url?: string }) {
  const connections = new Map<string, Connection>()
  afterAll(() => Promise.all([...connections.values()].map((connection) => connection.close())))
  return async <T>(role: string, work: (db: Database) => Promise<T>): Promise<T> => {
    if (test.location.kind === 'embedded') {
      return test.db.transaction(async (transaction) => {
        await transaction.execute(sql.raw(`SET LOCAL ROLE ${role}`))
        return work(transaction)
      })
    }
    const known = connections.get(role)
    if (known !== undefined) return work(known.db)
    const url = new URL(test.location.url)
    Object.assign(url, { username: role, password: 'secret' })
    const connection = await connect({ kind: 'server', url: url.toString() }, { maxConnections: 2 })
    connections.set(role, connection)
    return work(connection.db)
  }
}
