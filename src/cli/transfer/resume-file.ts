import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { Database } from '../../database/database.ts'
import { getMemory } from '../../memory/get-memory.ts'

/** How far an import has come, kept beside its input until it is done. */
export interface ResumeState {
  /** What must be the same for going on: the input and its size and time, the database, the options. */
  readonly of: string
  /** Records that are settled: stored, or in the file of the rejected. */
  readonly records: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly rejected: number
  /** How long the file of the rejected is. */
  readonly rejectsBytes: number
  /** Ids that were stored. If one is gone, the database is not the one that it was, and nothing may be passed over. */
  readonly ids: readonly string[]
}

export interface ResumeFile {
  readonly path: string
  /** What `ResumeState.of` must be. */
  readonly of: string
}

/** The file for an import of this input into this database with these options. */
export async function resumeFileOf(input: string, database: string, options: unknown): Promise<ResumeFile> {
  const { size, mtimeMs } = await stat(input)
  return { path: `${input}.opa-import`, of: JSON.stringify([size, mtimeMs, database, options]) }
}

/** What an interrupted import left, if going on from there is safe. */
export async function readResume(db: Database, { path, of }: ResumeFile): Promise<ResumeState | undefined> {
  let state: ResumeState
  try {
    state = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
  if (state.of !== of || !Array.isArray(state.ids) || !Number.isSafeInteger(state.records)) return undefined
  for (const id of state.ids) if ((await getMemory(db, { id })) === null) return undefined
  return state
}

/** Replaces the file at once, so that it is whole at any moment. A folder that cannot be written to keeps nothing. */
export async function writeResume({ path }: ResumeFile, state: ResumeState): Promise<void> {
  const draft = `${path}.new`
  try {
    await writeFile(draft, JSON.stringify(state))
    await rename(draft, path)
  } catch {
    await rm(draft, { force: true }).catch(() => {})
  }
}

export async function removeResume({ path }: ResumeFile): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}
