import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'

/** Where the migrations are: beside src/ in the repository, beside dist/ in the package. */
export const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url))

export interface Migration extends MigrationMeta {
  /** The file's name without `.sql`. */
  readonly tag: string
}

/** The migrations of this version of the package, in order. */
export function readMigrations(): Migration[] {
  const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string }[]
  }
  const files = readMigrationFiles({ migrationsFolder })
  return files.map((file, at) => ({ ...file, tag: journal.entries[at]?.tag ?? String(at) }))
}

const created = /^CREATE (?:OR REPLACE )?(TABLE|TYPE|VIEW) "?(\w+)"?/gm

/** The names of the tables, enums or views that the migrations make, in whatever schema. */
export function namesMade(kind: 'TABLE' | 'TYPE' | 'VIEW'): string[] {
  return readMigrations().flatMap(({ sql }) =>
    [...sql.join('\n').matchAll(created)].filter((match) => match[1] === kind).map((match) => match[2] ?? ''),
  )
}
