import { existsSync } from 'node:fs'
import { type Connection, connect } from '../database/connect.ts'
import { type DatabaseLocation, describeLocation, resolveLocation } from '../database/location.ts'
import { migrate } from '../database/migrate.ts'
import { postgresError } from '../database/rows.ts'
import type { Context, GlobalOptions } from './context.ts'
import { CommandError, UsageError } from './exit.ts'

/** Where the database of a command is: its options go before the environment. */
export function locationOf(context: Context, { url, dataDir, schema }: GlobalOptions): DatabaseLocation {
  if (url !== undefined && dataDir !== undefined) {
    throw new UsageError('--url is a server and --data-dir an embedded database: give one of them')
  }
  const { DATABASE_URL: _, ...others } = context.environment
  const environment =
    url !== undefined
      ? { ...others, DATABASE_URL: url }
      : dataDir !== undefined
        ? { OPA_DATA_DIR: dataDir }
        : context.environment
  if (url === '' || dataDir === '') throw new UsageError('--url and --data-dir must not be empty')
  return resolveLocation(schema === undefined ? environment : { ...environment, OPA_SCHEMA: schema })
}

export interface OpenOptions {
  /** The command makes the embedded database if there is none. Others say that there is none. */
  readonly creates?: boolean
  /** The command wants the database as it is, migrated or not. */
  readonly asItIs?: boolean
  /** The command ends by itself when `context.signal` is aborted, and wants to finish what it has begun. */
  readonly stopsItself?: boolean
  /** 2 by default. */
  readonly maxConnections?: number
}

/**
 * Opens the database, works with it, and closes it on every path. An embedded database is migrated before, since nobody
 * else uses it; a server is not.
 */
export async function withDatabase<T>(
  context: Context,
  options: GlobalOptions,
  work: (connection: Connection) => Promise<T>,
  { creates = false, asItIs = false, stopsItself = false, maxConnections = 2 }: OpenOptions = {},
): Promise<T> {
  const location = locationOf(context, options)
  if (!creates && isMissing(location)) {
    throw new CommandError(
      `there is no database in ${dataDirOf(location)} yet. \`opa-db add "something to remember"\` makes one; for a server give --url or DATABASE_URL`,
    )
  }
  const connection = await connect(location, { maxConnections })
  try {
    context.signal.throwIfAborted()
    if (location.kind === 'embedded' && !asItIs) await migrate(connection.db)
    const working = work(connection)
    return await (stopsItself ? working : untilAborted(working, context.signal))
  } catch (error) {
    throw explained(error, location)
  } finally {
    await connection.close()
  }
}

function dataDirOf(location: DatabaseLocation): string {
  return location.kind === 'embedded' ? location.dataDir : ''
}

/** Whether there is no embedded database in the folder. */
export function isMissing(location: DatabaseLocation): boolean {
  if (location.kind === 'server' || location.dataDir.includes('://')) return false
  return !existsSync(location.dataDir)
}

/** The work's result, or the reason for which it is no longer wanted, whichever comes first. */
async function untilAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever is not waited for any more may fail without a word.
  working.catch(() => {})
  const { promise, reject } = abortion(signal)
  signal.addEventListener('abort', reject, { once: true })
  if (signal.aborted) reject()
  try {
    return await Promise.race([working, promise])
  } finally {
    signal.removeEventListener('abort', reject)
  }
}

function abortion(signal: AbortSignal): { promise: Promise<never>; reject: () => void } {
  let reject = () => {}
  const promise = new Promise<never>((_, rejects) => {
    reject = () => rejects(signal.reason)
  })
  promise.catch(() => {})
  return { promise, reject }
}

const missingObject = new Set(['42P01', '42883', '42704', '3F000', '42703'])

/** Says what to do about an error whose own message does not. */
function explained(error: unknown, location: DatabaseLocation): unknown {
  const refused = postgresError(error)
  if (refused !== undefined && missingObject.has(refused.code)) {
    return new CommandError(
      `${describeLocation(location)} has not been migrated to this version of opa-db (${refused.message}). Run: opa-db migrate`,
      { cause: error },
    )
  }
  if (refused?.code === '42501') {
    return new CommandError(
      `${refused.message}: the role that you connect as may not do this. \`opa-db doctor\` says which rights it has`,
      { cause: error },
    )
  }
  return error
}
