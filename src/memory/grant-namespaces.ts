import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { checkText, checkTexts, longestName } from './check.ts'
import { textArraySql } from './search-filter.ts'

/**
 * Gives a role the memories of these namespaces, beside those that it has. Counts under `enableNamespaceIsolation`.
 *
 * @returns how many of them are new to it.
 * @throws InvalidInputError for a role that is not there; DatabaseError for a caller who may not.
 * @example
 * await grantNamespaces(db, { role: 'service_ana', namespaces: ['ana'] })
 */
export async function grantNamespaces(
  db: Database,
  { role, namespaces }: { readonly role: string; readonly namespaces: readonly string[] },
): Promise<number> {
  checkText(role, 'role')
  checkTexts(namespaces, 'namespaces', { from: 1, to: longestName })
  const [row] = await queryRows(
    db,
    sql`SELECT ${api(db)}grant_namespaces(${role}::text, ${textArraySql(namespaces, 'namespaces')}) AS granted`,
  )
  return toNumber(row?.granted)
}

/**
 * Takes these namespaces from a role; all of them where none are named.
 *
 * @returns how many of them it had.
 * @throws as `grantNamespaces`.
 * @example
 * await revokeNamespaces(db, { role: 'service_ana' })
 */
export async function revokeNamespaces(
  db: Database,
  { role, namespaces }: { readonly role: string; readonly namespaces?: readonly string[] },
): Promise<number> {
  checkText(role, 'role')
  if (namespaces !== undefined) checkTexts(namespaces, 'namespaces', { from: 1, to: longestName })
  const named = namespaces === undefined ? sql`NULL::text[]` : textArraySql(namespaces, 'namespaces')
  const [row] = await queryRows(
    db,
    sql`SELECT ${api(db)}revoke_namespaces(${role}::text, ${named}) AS revoked`,
  )
  return toNumber(row?.revoked)
}
