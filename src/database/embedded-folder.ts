import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseError } from '../errors.ts'
import { lockEmbedded } from './embedded-lock.ts'

// A PGlite makes its cluster file by file. If it is killed meanwhile, what lies there cannot be opened, and PGlite neither
// goes on nor begins anew. So a cluster is made in a folder within and moved to its place when it is whole: a start that
// finds one of the two folders knows what it was doing.

/** A cluster that is being made: nothing in it is anybody's data. */
const makingFolder = 'opa-db.new'
/** A whole one, which is being moved to its place. */
const wholeFolder = 'opa-db.whole'

/** The file by which PGlite knows that there is a cluster: moved last. */
const versionFile = 'PG_VERSION'

export interface FolderClient {
  close(): Promise<void>
}

/**
 * Opens the cluster in a folder, under the folder's lock, and makes one where there is none. The lock is released when the
 * client is closed.
 *
 * @param open opens the cluster in the folder; `make` makes one in the folder that it is given, and closes it.
 * @throws ConfigurationError if the folder is open already; DatabaseError if there is data that cannot be opened.
 */
export async function openFolder<Client extends FolderClient>(
  dataDir: string,
  { open, make }: { open: () => Promise<Client>; make: (folder: string) => Promise<void> },
): Promise<Client> {
  mkdirSync(dataDir, { recursive: true })
  let client: Client | undefined
  const lock = await lockEmbedded(dataDir, () => void client?.close())
  try {
    if (!hasCluster(dataDir)) await makeCluster(dataDir, make)
    client = await open().catch(async (error) => {
      if (holdsData(dataDir)) throw unopened(dataDir, 'it holds data, and is left as it is', error)
      await makeCluster(dataDir, make, error)
      return open()
    })
  } catch (error) {
    lock.release()
    throw error
  }
  const close = client.close.bind(client)
  client.close = async () => {
    try {
      await close()
    } finally {
      lock.release()
    }
  }
  return client
}

/** Whether there is a cluster; finishes moving one to its place. */
function hasCluster(dataDir: string): boolean {
  if (existsSync(join(dataDir, wholeFolder))) moveIntoPlace(dataDir)
  return existsSync(join(dataDir, versionFile))
}

async function makeCluster(
  dataDir: string,
  make: (folder: string) => Promise<void>,
  cause?: unknown,
): Promise<void> {
  const making = join(dataDir, makingFolder)
  rmSync(making, { recursive: true, force: true })
  setAside(dataDir, cause)
  mkdirSync(making)
  await make(making)
  renameSync(making, join(dataDir, wholeFolder))
  moveIntoPlace(dataDir)
}

function moveIntoPlace(dataDir: string): void {
  const whole = join(dataDir, wholeFolder)
  const names = readdirSync(whole).sort(
    (one, other) => Number(one === versionFile) - Number(other === versionFile),
  )
  for (const name of names) renameSync(join(whole, name), join(dataDir, name))
  rmdirSync(whole)
}

function unopened(dataDir: string, why: string, cause?: unknown): DatabaseError {
  const said = cause instanceof Error ? ` (${cause.message})` : ''
  return new DatabaseError(`the embedded database in ${dataDir} cannot be opened${said}: ${why}`, { cause })
}

/** What initdb makes. Whatever else lies in the folder is somebody's, and stays where it is. */
const clusterNames =
  /^(PG_VERSION|base|global|pg_\w+|postgresql\.(auto\.)?conf|postmaster\.(pid|opts)|(pg_hba|pg_ident)\.conf)$/

/**
 * Moves what an unfinished first start left, of a version without the above or of another program, into a folder of its
 * own. It is not deleted, though it holds no data.
 */
function setAside(dataDir: string, cause: unknown): void {
  const names = readdirSync(dataDir).filter((name) => clusterNames.test(name))
  if (names.length === 0) return
  if (holdsData(dataDir)) throw unopened(dataDir, `it holds data, but no file ${versionFile}`, cause)
  const aside = join(dataDir, 'opa-db.unfinished')
  if (existsSync(aside))
    throw unopened(dataDir, `remove ${aside}, which an earlier attempt left, and try again`, cause)
  mkdirSync(aside)
  // The version file first: without it, the rest is no cluster.
  names.sort((one, other) => Number(other === versionFile) - Number(one === versionFile))
  for (const name of names) renameSync(join(dataDir, name), join(aside, name))
}

/** The first object id that is not PostgreSQL's own: initdb makes none as high. */
const firstOwnObject = 16_384

/** Whether anybody but initdb has ever made a table in the cluster, as its files tell; it need not be possible to open it. */
function holdsData(dataDir: string): boolean {
  const base = join(dataDir, 'base')
  const databases = existsSync(base) ? readdirSync(base) : []
  const hasOwn = (names: string[]) => names.some((name) => Number.parseInt(name, 10) >= firstOwnObject)
  const tablespaces = join(dataDir, 'pg_tblspc')
  return (
    hasOwn(databases) ||
    databases.some((database) => hasOwn(readdirSync(join(base, database)))) ||
    (existsSync(tablespaces) && readdirSync(tablespaces).length > 0)
  )
}
