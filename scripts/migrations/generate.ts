import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { migrationsFolder, readMigrations } from '../../src/database/migrations.ts'
import { customText, tablesText } from './migration-text.ts'
import {
  recordedSections,
  removalText,
  type Section,
  type SectionGroup,
  sectionText,
  sourceGroups,
} from './sections.ts'

const journalFile = `${migrationsFolder}/meta/_journal.json`
const checksumsFile = `${migrationsFolder}/checksums.txt`
/** A migration is for reading too: a group with more lines is divided into several. */
const mostLines = 600

/**
 * Writes the migrations for whatever changed in src/schema and src/sql since the last ones: what tables call, then tables
 * (drizzle-kit's own), then the other functions and the triggers.
 *
 * @returns the tags of the new migrations.
 */
export function generate(name?: string): string[] {
  const before = existsSync(journalFile) ? readMigrations().map((each) => each.tag) : []
  const recorded = before.length > 0 ? recordedSections() : new Map<string, string>()
  const sources = sourceGroups()
  const all = [...sources.beforeTables, ...sources.afterTables].flatMap(({ sections }) => sections)
  const names = new Set(all.map((section) => section.name))
  const removals = [...recorded]
    .filter(([section]) => !names.has(section))
    .map(([section, sql]) => ({ name: section, sql, text: removalText(section, sql) }))

  writeGroups(sources.beforeTables, recorded, name)
  writeTables(name ?? 'tables')
  if (removals.length > 0) writeCustom(name ?? 'removals', removals.reverse())
  writeGroups(sources.afterTables, recorded, name)

  writeFileSync(checksumsFile, checksums())
  return readMigrations()
    .map((each) => each.tag)
    .filter((tag) => !before.includes(tag))
}

/**
 * Writes the whole history anew, as one would from an empty folder. Only until a version is released: from then on a
 * migration is never edited. The same sources give the same files.
 */
export function squash(): string[] {
  rmSync(migrationsFolder, { recursive: true, force: true })
  mkdirSync(`${migrationsFolder}/meta`, { recursive: true })
  writeJson(journalFile, { version: '7', dialect: 'postgresql', entries: [] })
  return generate()
}

type Written = Section & { readonly text: string }

/** One migration for all groups if it has a name of its own; else each group's own. */
function writeGroups(groups: readonly SectionGroup[], recorded: Map<string, string>, name?: string): void {
  const isNew = (section: Section) => recorded.get(section.name) !== section.sql
  const hasNew = groups.some(({ sections }) => sections.some(isNew))
  const changed = groups.map((group) => ({
    name: group.name,
    sections: group.sections
      .filter((section) => isNew(section) || (hasNew && isRepeated(section)))
      .map((section) => ({ ...section, text: sectionText(section, recorded.get(section.name)) })),
  }))
  if (name !== undefined) {
    writeCustom(
      name,
      changed.flatMap(({ sections }) => sections),
    )
    return
  }
  for (const group of changed) {
    const parts = dividedByLength(group.sections)
    parts.forEach((part, at) => {
      writeCustom(parts.length === 1 ? group.name : `${group.name}_${at + 1}`, part)
    })
  }
}

/** New functions and tables have the rights that the database's defaults give, until this is run again. */
function isRepeated({ name }: Section): boolean {
  return name === 'src/sql/final/rights.sql'
}

function dividedByLength(sections: readonly Written[]): Written[][] {
  const parts: Written[][] = []
  for (const section of sections) {
    const part = parts.at(-1)
    if (part === undefined || customText([...part, section]).split('\n').length > mostLines)
      parts.push([section])
    else part.push(section)
  }
  return parts
}

function writeCustom(name: string, sections: readonly Written[]): void {
  if (sections.length === 0) return
  const tag = addToJournal(name)
  writeFileSync(`${migrationsFolder}/${tag}.sql`, customText(sections))
}

function writeTables(name: string): void {
  const before = readMigrations().length
  const { status } = spawnSync('npx', ['drizzle-kit', 'generate', '--name', name], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`drizzle-kit generate failed with status ${status}`)
  const tag = readMigrations()[before]?.tag
  if (tag === undefined) return
  const file = `${migrationsFolder}/${tag}.sql`
  writeFileSync(file, tablesText(readFileSync(file, 'utf8')))
  dateLast()
}

interface Journal {
  entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[]
}

/** What `drizzle-kit generate --custom` does: an entry, and the last snapshot again under a new id. */
function addToJournal(name: string): string {
  const journal = readJson<Journal>(journalFile)
  const idx = journal.entries.length
  const tag = `${number(idx)}_${name}`
  const last = `${migrationsFolder}/meta/${number(idx - 1)}_snapshot.json`
  const snapshot = existsSync(last) ? readJson<{ id: string }>(last) : emptySnapshot
  writeJson(`${migrationsFolder}/meta/${number(idx)}_snapshot.json`, {
    ...snapshot,
    id: idFor(tag),
    prevId: snapshot.id,
  })
  journal.entries.push({ idx, version: '7', when: 0, tag, breakpoints: true })
  writeJson(journalFile, journal)
  dateLast()
  return tag
}

/** Times only have to grow: by the order alone, so that writing the same history again changes nothing. */
function dateLast(): void {
  const journal = readJson<Journal>(journalFile)
  const entry = journal.entries.at(-1)
  if (entry === undefined) return
  entry.when = (journal.entries.at(-2)?.when ?? Date.UTC(2026, 10, 26)) + 1000
  writeJson(journalFile, journal)
  const file = `${migrationsFolder}/meta/${number(entry.idx)}_snapshot.json`
  writeJson(file, { ...readJson<object>(file), id: idFor(entry.tag) })
}

const emptySnapshot = {
  id: '00000000-0000-0000-0000-000000000000',
  version: '7',
  dialect: 'postgresql',
  tables: {},
  enums: {},
  schemas: {},
  sequences: {},
  roles: {},
  policies: {},
  views: {},
  _meta: { columns: {}, schemas: {}, tables: {} },
}

function idFor(tag: string): string {
  const hex = createHash('sha256').update(tag).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function number(idx: number): string {
  return String(idx).padStart(4, '0')
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}

/** The migrations' SHA-256, as sha256sum prints them. A checksum that changes in review says that a released one was edited. */
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
