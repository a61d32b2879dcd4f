import { getTableColumns, getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'

/**
 * A trigger, declared beside its table. Drizzle has no builder for triggers, so this is plain data:
 * `npm run db:generate` turns every exported one into SQL, and a change of it into a migration.
 */
export interface Trigger {
  readonly kind: 'trigger'
  readonly table: PgTable
  readonly name: string
  readonly timing: 'BEFORE' | 'AFTER'
  /** For example `UPDATE` or `INSERT OR DELETE`. */
  readonly events: string
  readonly each: 'ROW' | 'STATEMENT'
  /** The trigger function, one file of src/sql/triggers. */
  readonly function: string
  /** The condition, in SQL over OLD and NEW. */
  readonly when?: string
  /** Transition tables, as in `OLD TABLE AS removed NEW TABLE AS added`. */
  readonly referencing?: string
  /** True makes a constraint trigger that runs at COMMIT. */
  readonly atCommit?: boolean
}

/** Declares a trigger on a table. */
export function trigger(table: PgTable, definition: Omit<Trigger, 'kind' | 'table'>): Trigger {
  return { kind: 'trigger', table, ...definition }
}

/** Changes of these are no news of the row: where and of which model its vectors are is the database's own affair. */
const unnoticed = new Set(['updated_at', 'embedding_model', 'next_embedding', 'next_embedding_model'])

/**
 * Keeps `updated_at`: now when another stored column really changed, and as it was when nothing else did, whatever the
 * client writes. Two triggers, so that each is decided by its condition and most updates call one function once.
 *
 * The columns are compared by name: with generated columns in the table, `OLD IS DISTINCT FROM NEW` is always true
 * in a BEFORE trigger (they are null in NEW), and a WHEN that names one is refused. A new column in the table
 * therefore changes these triggers, and `npm run db:generate` writes the migration for it.
 */
export function updatedAtTriggers(table: PgTable): [set: Trigger, keep: Trigger] {
  const columns = Object.values(getTableColumns(table)).filter(
    (column) => column.generated === undefined && !unnoticed.has(column.name),
  )
  const vectors = columns.filter((column) => column.getSQLType().startsWith('vector'))
  const others = columns.filter((column) => !vectors.includes(column))
  const row = (side: 'OLD' | 'NEW') => `(${others.map(({ name }) => `${side}.${name}`).join(', ')})`
  const changed = [
    `${row('OLD')} IS DISTINCT FROM ${row('NEW')}`,
    ...vectors.map(({ name }) => vectorDiffers(name)),
  ].join('\n    OR ')
  const common = { timing: 'BEFORE', events: 'UPDATE', each: 'ROW' } as const
  return [
    trigger(table, {
      ...common,
      name: `${getTableName(table)}_updated_at`,
      function: 'set_updated_at',
      when: changed,
    }),
    trigger(table, {
      ...common,
      name: `${getTableName(table)}_updated_at_kept`,
      function: 'keep_updated_at',
      when: `OLD.updated_at IS DISTINCT FROM NEW.updated_at AND NOT (${changed})`,
    }),
  ]
}

/**
 * Vectors as text: IS DISTINCT FROM names no operator, so that a dump of it cannot either, and a restore, whose
 * search_path is empty, would not find the one of an extension's type. They come last, when nothing else differs.
 */
function vectorDiffers(name: string): string {
  return `OLD.${name}::text IS DISTINCT FROM NEW.${name}::text`
}

/** The statements that make a trigger anew, whether or not it exists. */
export function triggerSql(definition: Trigger): string {
  const table = getTableName(definition.table)
  const words = [
    definition.atCommit ? 'CREATE CONSTRAINT TRIGGER' : 'CREATE OR REPLACE TRIGGER',
    `${definition.name}\n  ${definition.timing} ${definition.events} ON ${table}`,
    ...(definition.referencing ? [`\n  REFERENCING ${definition.referencing}`] : []),
    ...(definition.atCommit ? ['\n  DEFERRABLE INITIALLY DEFERRED'] : []),
    `\n  FOR EACH ${definition.each}`,
    ...(definition.when ? [`\n  WHEN (${definition.when})`] : []),
    `\n  EXECUTE FUNCTION ${definition.function}();`,
  ]
  const create = words.join(' ').replaceAll(' \n', '\n')
  // CREATE OR REPLACE is not there for constraint triggers.
  return definition.atCommit
    ? `DROP TRIGGER IF EXISTS ${definition.name} ON ${table};\n--> statement-breakpoint\n${create}`
    : create
}
