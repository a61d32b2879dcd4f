import { sql } from 'drizzle-orm'
import { checkText, checkTexts, longestName } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRow, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { textArraySql } from '../search/search-filter.ts'

export interface GrantNamespacesOptions {
  readonly role: string
  readonly namespaces: readonly string[]
  /**
   * True: the namespaces are paths, and everything below them is given too: with `users/ana` also `users/ana/trips`, but
   * not `users/anabel`. False by default.
   */
  readonly below?: boolean
}

const grantKeys = { role: true, namespaces: true, below: true } satisfies OptionKeys<GrantNamespacesOptions>

export interface RevokeNamespacesOptions {
  readonly role: string
  /** All that it has by default. */
  readonly namespaces?: readonly string[]
}

/**
 * Gives a role the memories of these namespaces, beside those that it has. Counts under `enableNamespaceIsolation`.
 *
 * @returns how many of them are new to it.
 * @throws InvalidInputError for a role that is not there; DatabaseError for a caller who may not.
 * @example
 * await grantNamespaces(db, { role: 'service_ana', namespaces: ['ana'] })
 */
export async function grantNamespaces(db: Database, options: GrantNamespacesOptions): Promise<number> {
  checkOptions(options, grantKeys)
  const { role, namespaces, below = false } = options
  checkText(role, 'role')
  checkTexts(namespaces, 'namespaces', { from: 1, to: longestName })
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}grant_namespaces(${role}::text, ${textArraySql(namespaces, 'namespaces')}, ${String(below === true)}::text::boolean) AS granted`,
  )
  return toNumber(row.granted)
}

/**
 * Takes these namespaces from a role; all of them where none are named.
 *
 * @returns how many of them it had.
 * @throws as `grantNamespaces`.
 * @example
 * await revokeNamespaces(db, { role: 'service_ana' })
 */
export async function revokeNamespaces(db: Database, options: RevokeNamespacesOptions): Promise<number> {
  checkOptions(options, { role: true, namespaces: true } satisfies OptionKeys<RevokeNamespacesOptions>)
  const { role, namespaces } = options
  checkText(role, 'role')
  if (namespaces !== undefined) checkTexts(namespaces, 'namespaces', { from: 1, to: longestName })
  const named = namespaces === undefined ? sql`NULL::text[]` : textArraySql(namespaces, 'namespaces')
  const row = await queryRow(db, sql`SELECT ${api(db)}revoke_namespaces(${role}::text, ${named}) AS revoked`)
  return toNumber(row.revoked)
}
