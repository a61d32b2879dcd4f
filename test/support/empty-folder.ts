import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import { copyEmbeddedFolder } from './embedded-template.ts'

/** An empty folder that is gone after the tests of the file. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'opa-db-command-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder that a command has been used in before: with a migrated database in `.opa`, gone after the tests of the file. */
export function usedFolder(): string {
  const folder = emptyFolder()
  copyEmbeddedFolder(inject('embedded'), join(folder, '.opa'))
  return folder
}
