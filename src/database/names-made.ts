import type { Migration } from './migrations.ts'

const created = /^CREATE (?:OR REPLACE )?(TABLE|TYPE|VIEW) "?(\w+)"?/gm

/** The names of the tables, enums or views that migrations make, in whatever schema. */
export function namesMade(migrations: readonly Migration[], kind: 'TABLE' | 'TYPE' | 'VIEW'): string[] {
  return migrations.flatMap(({ sql }) =>
    [...sql.join('\n').matchAll(created)].filter((match) => match[1] === kind).map((match) => match[2] ?? ''),
  )
}
