import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// The package that is published has the migrations in its code, so that a service may be bundled to one file: the build
// (scripts/bundle.ts) puts what these functions give in the place of this module, which is loaded only when it is needed.

/** Where the migrations are in the repository. */
export const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url))

export interface Migration {
  /** The file's name without `.sql`. */
  readonly tag: string
  /** The statements. */
  readonly sql: readonly string[]
  /** SHA-256 of the file, by which drizzle-kit and we know it in the ledger. */
  readonly hash: string
  /** When it was generated, in milliseconds since 1970. */
  readonly folderMillis: number
}

/** The migrations of this version of the package, in order. */
export function readMigrations(): Migration[] {
  const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as {
    readonly entries: readonly { readonly tag: string; readonly when: number }[]
  }
  return journal.entries.map(({ tag, when }) => {
    const text = readFileSync(`${migrationsFolder}/${tag}.sql`, 'utf8')
    const hash = createHash('sha256').update(text).digest('hex')
    return { tag, sql: text.split('--> statement-breakpoint'), hash, folderMillis: when }
  })
}
