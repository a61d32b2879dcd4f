import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { migrationsFolder, readMigrations } from '../../src/database/migrations.ts'
import * as schema from '../../src/schema/all.ts'
import { type Trigger, triggerSql } from '../../src/schema/trigger.ts'

/**
 * A piece of SQL that drizzle-kit does not know: a file of src/sql, or a trigger declared in the schema. Every custom
 * migration is made of sections, each under a line `-- source: <name>`, so the migrations themselves record what the
 * database has: the last section of a name is its current one.
 */
export interface Section {
  /** The file below src/sql, or `trigger <name>`. */
  readonly name: string
  readonly sql: string
}

/** Sections that make a migration together, in the order in which they run. */
export interface SectionGroup {
  readonly name: string
  readonly sections: Section[]
}

export const breakpoint = '--> statement-breakpoint'
const marker = /^-- source: (.+)$/m
const sqlFolder = fileURLToPath(new URL('../../src/sql', import.meta.url))

/** The migrations that a squash writes, in the order in which they run, and the folders of src/sql that each is made of. */
type Order = readonly { readonly migration: string; readonly folders: readonly string[] }[]

/** What table definitions call. The tables themselves follow. */
const beforeTables: Order = [
  { migration: 'extensions', folders: ['extensions'] },
  { migration: 'columns', folders: ['columns'] },
]
/**
 * Functions need no order among themselves: their bodies are not checked when they are made. The internal tables are
 * moved to their schema before anything is said about them, which is why `tables` comes first.
 */
const afterTables: Order = [
  { migration: 'statistics', folders: ['tables', 'statistics'] },
  { migration: 'memory', folders: ['memory', 'embedding'] },
  {
    migration: 'search_words_and_filter',
    folders: ['search/words', 'search/highlight', 'search/filter', 'search/ranking'],
  },
  { migration: 'search', folders: ['search/bm25', 'search/vector', 'search/hybrid'] },
  { migration: 'jobs', folders: ['jobs'] },
  { migration: 'rights', folders: ['isolation', 'rights'] },
]
/** After the triggers that the schema declares, which call functions of the above: what is done again after whatever else has changed. */
const last: Order = [{ migration: 'triggers', folders: ['final'] }]

/** The sections that the sources ask for, in the order in which they must run. */
export function sourceGroups(): { beforeTables: SectionGroup[]; afterTables: SectionGroup[] } {
  const triggers = Object.values(schema)
    .filter((value): value is Trigger => (value as { kind?: unknown }).kind === 'trigger')
    .map((trigger) => ({ name: `trigger ${trigger.name}`, sql: triggerSql(trigger) }))
  const groups = {
    beforeTables: beforeTables.map((each) => groupOf(each)),
    afterTables: [
      ...afterTables.map((each) => groupOf(each)),
      ...last.map((each) => groupOf(each, triggers)),
    ],
  }
  refuseFilesLeftOut([...groups.beforeTables, ...groups.afterTables])
  return groups
}

function groupOf({ migration, folders }: Order[number], before: readonly Section[] = []): SectionGroup {
  return { name: migration, sections: [...before, ...folders.flatMap(filesOf)] }
}

/** A folder that the table above does not have would never reach a database. */
function refuseFilesLeftOut(groups: readonly SectionGroup[]): void {
  const taken = new Set(groups.flatMap(({ sections }) => sections.map(({ name }) => name)))
  const leftOut = readdirSync(sqlFolder, { recursive: true, encoding: 'utf8' })
    .map((file) => `src/sql/${file}`)
    .filter((file) => file.endsWith('.sql') && !taken.has(file))
  if (leftOut.length > 0)
    throw new Error(
      `No migration takes ${leftOut.join(', ')}: see the table in scripts/migrations/sections.ts`,
    )
}

export function sourceSections(): Section[] {
  const { beforeTables, afterTables } = sourceGroups()
  return [...beforeTables, ...afterTables].flatMap(({ sections }) => sections)
}

/** The files of a folder, then those of the folders in it. */
function filesOf(folder: string): Section[] {
  const entries = readdirSync(`${sqlFolder}/${folder}`, { withFileTypes: true }).sort((one, other) =>
    one.name < other.name ? -1 : 1,
  )
  return [
    ...entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({
        name: `src/sql/${folder}/${name}`,
        sql: readFileSync(`${sqlFolder}/${folder}/${name}`, 'utf8').trim(),
      })),
    ...entries
      .filter((entry) => entry.isDirectory())
      .flatMap((directory) => filesOf(`${folder}/${directory.name}`)),
  ]
}

/** The sections that the migrations have made so far, the current one of each name; removed ones are left out. */
export function recordedSections(): Map<string, string> {
  const recorded = new Map<string, string>()
  for (const migration of readMigrations()) {
    const parts = readFileSync(`${migrationsFolder}/${migration.tag}.sql`, 'utf8')
      .replace(/^-- path: [\s\S]*?(?=^-- source: |(?![\s\S]))/gm, '')
      .split(marker)
    for (let at = 1; at < parts.length; at += 2) {
      const name = parts[at] ?? ''
      const sql = (parts[at + 1] ?? '')
        .trim()
        .replace(new RegExp(`\\n?${breakpoint}$`), '')
        .trim()
      if (sql.startsWith('-- removed')) recorded.delete(name)
      else recorded.set(name, withoutDrops(sql))
    }
  }
  return recorded
}

/** A section as a migration has it. A changed signature is dropped first: CREATE OR REPLACE would refuse it or overload it. */
export function sectionText(section: Section, recorded: string | undefined): string {
  const drop =
    recorded !== undefined && signature(recorded) !== signature(section.sql) ? dropOf(recorded) : undefined
  return [
    `-- source: ${section.name}`,
    ...(drop ? [`${drop} -- replaced below`, breakpoint] : []),
    section.sql,
  ].join('\n')
}

/** What a migration says of a section that the sources no longer have. */
export function removalText(name: string, recorded: string): string {
  return `-- source: ${name}\n-- removed\n${dropOf(recorded) ?? ''}`.trim()
}

function withoutDrops(sql: string): string {
  return sql.replace(new RegExp(`^DROP [^\\n]* -- replaced below\\n${breakpoint}\\n`), '')
}

const created = /^CREATE (?:OR REPLACE )?(FUNCTION|VIEW|TRIGGER|CONSTRAINT TRIGGER) ([\w.]+)/m

/** A function's name and arguments as ALTER FUNCTION takes them: without their defaults. */
export function signatureOf({ name, sql }: Section): string {
  const [start, called] = /^CREATE OR REPLACE FUNCTION (\w+)\(/m.exec(sql) ?? []
  if (start === undefined) throw new Error(`${name} makes no function`)
  const parameters = ['']
  let depth = 1
  for (const character of sql.slice(sql.indexOf(start) + start.length)) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth === 0) break
    if (depth === 1 && character === ',') parameters.push('')
    else parameters[parameters.length - 1] += character
  }
  return `${called}(${parameters.map((each) => each.replace(/ DEFAULT .*/s, '').trim()).join(', ')})`
}

/** What the object is called by others: everything before the body. */
function signature(sql: string): string {
  if (created.exec(sql)?.[1] !== 'FUNCTION') return sql
  const start = sql.search(/^CREATE /m)
  return sql.slice(start, sql.search(/^LANGUAGE /m)).replace(/\s+/g, ' ')
}

/** The statement that removes what a section made. */
function dropOf(sql: string): string | undefined {
  const [, kind, name] = created.exec(sql) ?? []
  if (kind === 'FUNCTION' || kind === 'VIEW') return `DROP ${kind} IF EXISTS ${name};`
  if (kind === undefined) return undefined
  return `DROP TRIGGER IF EXISTS ${name} ON ${/ ON ([\w.]+)/.exec(sql)?.[1]};`
}
