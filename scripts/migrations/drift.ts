import { readFileSync } from 'node:fs'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { migrationsFolder } from '../../src/database/migrations.ts'
import * as schema from '../../src/schema/all.ts'
import { checksums, recordedChecksums } from './generate.ts'
import { recordedSections, sourceSections } from './sections.ts'

/**
 * What the sources ask for and the migrations do not have yet, in words; empty when they agree. Also tells of
 * migrations that differ from their recorded checksums.
 */
export async function findDrift(): Promise<string[]> {
  return [...(await tableDrift()), ...sectionDrift(), ...checksumDrift()]
}

async function tableDrift(): Promise<string[]> {
  const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as {
    entries: { idx: number }[]
  }
  const last = String(journal.entries.at(-1)?.idx ?? 0).padStart(4, '0')
  const snapshot = JSON.parse(readFileSync(`${migrationsFolder}/meta/${last}_snapshot.json`, 'utf8'))
  const statements = await generateMigration(snapshot, generateDrizzleJson({ ...schema }, snapshot.id))
  return statements.map((statement) => `src/schema asks for: ${statement}`)
}

function sectionDrift(): string[] {
  const recorded = recordedSections()
  const wanted = new Map(sourceSections().map(({ name, sql }) => [name, sql]))
  return [
    ...[...wanted].filter(([name, sql]) => recorded.get(name) !== sql).map(([name]) => `${name} has changed`),
    ...[...recorded.keys()].filter((name) => !wanted.has(name)).map((name) => `${name} is gone`),
  ]
}

function checksumDrift(): string[] {
  const now = checksums().split('\n')
  return recordedChecksums()
    .split('\n')
    .filter((line, at) => line !== now[at])
    .map((line) => `${line.split('  ')[1] ?? 'a migration'} was edited after its checksum was recorded`)
}
