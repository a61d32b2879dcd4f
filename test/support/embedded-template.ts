import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'
import { type Connection, overEmbedded, schemaOfOpa } from '../../src/database/connect.ts'
import { isDrizzle1 } from '../../src/database/drizzle-version.ts'
import { install } from './installation.ts'

const extensions = { vector, pg_trgm }
const location = { kind: 'embedded', dataDir: 'memory://' } as const

/** Migrates one embedded database for the run; a copy of its files opens in a third of the time that making another takes. */
export async function makeEmbeddedTemplate(): Promise<{ file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'opa-test-'))
  const file = join(folder, 'embedded.tar')
  const connection = await connectionOver(await PGlite.create({ extensions }))
  try {
    await install(connection.db)
    await writeFile(file, Buffer.from(await (await connection.db.$client.dumpDataDir('none')).arrayBuffer()))
    mkdirSync(folderBeside(file))
    execFileSync('tar', ['--extract', '--file', file, '--directory', folderBeside(file)], { stdio: 'pipe' })
  } finally {
    await connection.close()
  }
  return { file, remove: () => rm(folder, { recursive: true, force: true }) }
}

export async function openEmbeddedCopy(file: string): Promise<Connection> {
  const connection = await connectionOver(
    await PGlite.create({ loadDataDir: await openAsBlob(file), extensions }),
  )
  return connection as unknown as Connection
}

/** Copies the template's files to a folder, for a process that opens it: a first start takes four times as long. */
export function copyEmbeddedFolder(file: string, dataDir: string): void {
  cpSync(folderBeside(file), dataDir, { recursive: true, preserveTimestamps: true })
}

const folderBeside = (file: string) => join(dirname(file), 'data')

async function connectionOver(client: PGlite) {
  const schema = isDrizzle1 ? {} : await schemaOfOpa()
  return overEmbedded(client, location, { schema, relations: schema })
}
