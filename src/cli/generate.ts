import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { migrationsFolder, readMigrations } from '../database/migrations.ts'
import {
  joinSections,
  recordedSections,
  removalText,
  type Section,
  sectionText,
  sourceSections,
} from './sections.ts'

/**
 * Writes the migrations for whatever changed in src/schema and src/sql since the last ones: functions that tables call,
 * then tables (drizzle-kit's own), then the other functions and the triggers.
 *
 * @returns the tags of the new migrations.
 */
export function generate(name?: string): string[] {
  const before = existsSync(`${migrationsFolder}/meta/_journal.json`)
    ? readMigrations().map((each) => each.tag)
    : []
  const recorded = before.length > 0 ? recordedSections() : new Map<string, string>()
  const sources = sourceSections()
  const names = new Set([...sources.beforeTables, ...sources.afterTables].map((section) => section.name))
  const removals = [...recorded]
    .filter(([section]) => !names.has(section))
    .map(([section, sql]) => removalText(section, sql))

  writeCustom(name ?? 'extensions_and_column_functions', changedTexts(sources.beforeTables, recorded))
  drizzleKit('generate', '--name', name ?? 'tables')
  writeCustom(name ?? 'functions_and_triggers', [
    ...removals.reverse(),
    ...changedTexts(sources.afterTables, recorded),
  ])

  writeChecksums()
  return readMigrations()
    .map((each) => each.tag)
    .filter((tag) => !before.includes(tag))
}

function changedTexts(sections: Section[], recorded: Map<string, string>): string[] {
  return sections
    .filter((section) => recorded.get(section.name) !== section.sql)
    .map((section) => sectionText(section, recorded.get(section.name)))
}

function writeCustom(name: string, texts: string[]): void {
  if (texts.length === 0) return
  drizzleKit('generate', '--custom', '--name', name)
  const tag = readMigrations().at(-1)?.tag
  writeFileSync(`${migrationsFolder}/${tag}.sql`, joinSections(texts))
}

function drizzleKit(...words: string[]): void {
  const { status } = spawnSync('npx', ['drizzle-kit', ...words], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`drizzle-kit ${words.join(' ')} failed with status ${status}`)
}

const checksumsFile = `${migrationsFolder}/checksums.txt`

/** The migrations' SHA-256, as sha256sum prints them. */
export function checksums(): string {
  return readMigrations()
    .map(({ tag }) => {
      const hash = createHash('sha256')
        .update(readFileSync(`${migrationsFolder}/${tag}.sql`))
        .digest('hex')
      return `${hash}  ${tag}.sql\n`
    })
    .join('')
}

export function recordedChecksums(): string {
  return readFileSync(checksumsFile, 'utf8')
}

/** Released migrations are never edited; a checksum that changes in review says that one was. */
function writeChecksums(): void {
  writeFileSync(checksumsFile, checksums())
}
