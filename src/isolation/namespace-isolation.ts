import { sql } from 'drizzle-orm'
import { checkedJson } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { translatingErrors } from '../database/translate-error.ts'
import { grantNamespaces } from './grant-namespaces.ts'

export interface NamespaceIsolationOptions {
  /** For each role (its name) the namespaces that it is to see, as `grantNamespaces` does it. */
  readonly roles?: Readonly<Record<string, readonly string[]>>
}

/**
 * Turns on row-level security by namespace: each role then sees, finds, writes and forgets only memories of the
 * namespaces that it was given, whatever it calls. Only the table's owner may call it; the owner, superusers and roles
 * with BYPASSRLS keep seeing all, so a service must connect as another role, which also needs rights on the table:
 *
 * ```sql
 * GRANT SELECT, INSERT, UPDATE, DELETE ON memory_items TO service_ana
 * ```
 *
 * May be called again. What it costs is in the README.
 *
 * @throws DatabaseError for a role that may not; InvalidInputError for a role that is not there.
 * @example
 * await enableNamespaceIsolation(db, { roles: { service_ana: ['ana'], service_team: ['ana', 'bob'] } })
 *
 * Source: https://www.postgresql.org/docs/current/ddl-rowsecurity.html
 */
export async function enableNamespaceIsolation(
  db: Database,
  options: NamespaceIsolationOptions = {},
): Promise<void> {
  checkOptions(options, { roles: true } satisfies OptionKeys<NamespaceIsolationOptions>)
  const { roles = {} } = options
  checkedJson(roles, 'roles')
  await translatingErrors(() =>
    db.transaction(async (transaction) => {
      await queryRows(transaction, sql`SELECT ${api(db)}enable_namespace_isolation()`)
      for (const [role, namespaces] of Object.entries(roles)) {
        await grantNamespaces(transaction, { role, namespaces })
      }
    }),
  )
}

/**
 * Undoes `enableNamespaceIsolation`: whoever has rights on the table sees all memories again. What roles were given is
 * kept for the next time.
 *
 * @throws DatabaseError for a role that may not.
 * @example
 * await disableNamespaceIsolation(db)
 */
export async function disableNamespaceIsolation(db: Database): Promise<void> {
  await queryRows(db, sql`SELECT ${api(db)}disable_namespace_isolation()`)
}
