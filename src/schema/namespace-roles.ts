import { customType, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'

/** A role by its object id, shown as its name: a new role of an old name inherits nothing. */
const role = customType<{ data: string }>({ dataType: () => 'regrole' })

/**
 * Which namespaces a role sees once `enableNamespaceIsolation` is called: written by `grant_namespaces` and
 * `revoke_namespaces`, which only the table's owner may call with effect. Empty, and without any rights, until then.
 */
export const namespaceRoles = pgTable(
  'namespace_roles',
  {
    role: role('role').notNull(),
    namespace: text('namespace').notNull(),
  },
  (table) => [primaryKey({ name: 'namespace_roles_pkey', columns: [table.role, table.namespace] })],
)
