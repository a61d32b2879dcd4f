import { sql } from 'drizzle-orm'
import { queryRows } from '../../database/rows.ts'
import { type Check, ok, warning, wrong } from './finding.ts'

const tables = ['memory_items', 'jobs', 'job_attempts']
const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']

export const rightsCheck: Check = {
  name: 'rights',
  async examine({ db, schema }) {
    const rows = await queryRows(
      db,
      sql`
        SELECT current_user AS role, wanted.name, privilege,
          has_schema_privilege(${schema}::text, 'USAGE')
            AND COALESCE(has_table_privilege(format('%I.%I', ${schema}::text, wanted.name), privilege), false) AS has
        FROM unnest(string_to_array(${tables.join()}::text, ',')) AS wanted (name),
          unnest(string_to_array(${rights.join()}::text, ',')) AS privilege
        ORDER BY wanted.name, privilege
      `,
    )
    const role = String(rows[0]?.role)
    const missing = rows.filter((row) => row.has !== true)
    if (missing.length === 0) return ok(`the role ${role} may read and write`)
    const lacks = tables
      .map(
        (table) =>
          [table, missing.filter((row) => row.name === table).map((row) => String(row.privilege))] as const,
      )
      .filter(([, list]) => list.length > 0)
    const words = lacks.map(([table, list]) => `${list.join(', ')} on ${table}`).join('; ')
    const advice = `as the owner: ${lacks.map(([table, list]) => `GRANT ${list.join(', ')} ON ${schema}.${table} TO ${role}`).join('; ')}`
    // Whoever only reads memories may be meant to.
    return missing.some((row) => row.privilege === 'SELECT' && row.name === 'memory_items')
      ? wrong(`the role ${role} lacks ${words}`, advice)
      : warning(`the role ${role} lacks ${words}`, advice)
  },
}

export const triggersCheck: Check = {
  name: 'triggers',
  async examine({ db, schema }) {
    const rows = await queryRows(
      db,
      sql`
        SELECT tgrelid::regclass::text AS on_table, tgname AS name
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = ${schema}::text::regnamespace AND relname IN ('memory_items', 'jobs', 'job_attempts')
          AND NOT tgisinternal AND tgenabled = 'D'
        ORDER BY 1, 2
      `,
    )
    if (rows.length === 0) return ok('all are enabled')
    const list = rows.map((row) => `${row.name} on ${row.on_table}`).join(', ')
    return wrong(
      `disabled: ${list}. What was written meanwhile is in no statistics`,
      `${[...new Set(rows.map((row) => row.on_table))].map((table) => `ALTER TABLE ${table} ENABLE TRIGGER USER`).join('; ')}; then SELECT rebuild_search_statistics()`,
    )
  },
}
