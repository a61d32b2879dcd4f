import { customType, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'

/** A role by its object id, shown as its name: a new role of an old name inherits nothing. */
export const role = customType<{ data: string }>({ dataType: () => 'regrole' })

/**
 * Which roles were given what by `grant_reader`, `grant_service` and `grant_worker`, so that a migration can give them
 * what it adds.
 */
export const roleRights = pgTable(
  'role_rights',
  {
    role: role('role').notNull(),
    kind: text('kind', { enum: ['reader', 'service', 'worker'] }).notNull(),
  },
  (table) => [primaryKey({ name: 'role_rights_pkey', columns: [table.role, table.kind] })],
)
