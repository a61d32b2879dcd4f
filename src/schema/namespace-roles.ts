import { boolean, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { role } from './role-rights.ts'

/**
 * Which namespaces a role sees once `enableNamespaceIsolation` is called: written by `grant_namespaces` and
 * `revoke_namespaces`, which only the table's owner may call with effect. Empty, and without any rights, until then.
 */
export const namespaceRoles = pgTable(
  'namespace_roles',
  {
    role: role('role').notNull(),
    namespace: text('namespace').notNull(),
    /** The namespace is a path, and what is below it is granted too. */
    below: boolean('below').notNull().default(false),
  },
  (table) => [primaryKey({ name: 'namespace_roles_pkey', columns: [table.role, table.namespace] })],
)
