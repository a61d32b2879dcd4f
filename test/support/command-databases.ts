import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { connect } from '../../src/database/connect.ts'
import type { Connection } from '../../src/index.ts'
import type { RunOptions } from './command.ts'
import { emptyFolder, usedFolder } from './empty-folder.ts'
import { databaseUrl, withAdmin } from './server-setup.ts'

/** A database that a command is told of by its environment. */
export interface CommandDatabase {
  readonly backend: 'embedded' | 'server'
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** To be given to `run`, with whatever else. */
  in(more?: RunOptions): RunOptions
  /** Opens the database in this process for as long as `work` takes. An embedded one must be nobody else's meanwhile. */
  with<T>(work: (db: Connection['db']) => Promise<T>): Promise<T>
}

/** Describes commands once and tries them on a migrated folder and on a fresh, migrated database of the server. */
export function describeCommandsOnEachBackend(
  name: string,
  tests: (database: CommandDatabase) => void,
): void {
  describe(`${name} (embedded)`, () => {
    const cwd = usedFolder()
    tests(opened('embedded', cwd, {}, { kind: 'embedded', dataDir: `${cwd}/.opa` }))
  })
  describeCommandsOnServer(name, tests)
}

/** Describes what only a server can show. */
export function describeCommandsOnServer(name: string, tests: (database: CommandDatabase) => void): void {
  const server = inject('server')
  describe.skipIf('skipped' in server)(`${name} (server)`, () => {
    if ('skipped' in server) return
    const database = `opa_test_${randomBytes(6).toString('hex')}`
    const url = databaseUrl(server.url, database)
    beforeAll(() =>
      withAdmin(server.url, (admin) =>
        admin.unsafe(`CREATE DATABASE ${database} TEMPLATE ${server.template}`),
      ),
    )
    afterAll(() =>
      withAdmin(server.url, (admin) => admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)),
    )
    tests(opened('server', emptyFolder(), { DATABASE_URL: url }, { kind: 'server', url }))
  })
}

function opened(
  backend: 'embedded' | 'server',
  cwd: string,
  env: Readonly<Record<string, string>>,
  location: Connection['location'],
): CommandDatabase {
  return {
    backend,
    cwd,
    env,
    in: (more = {}) => ({ cwd, ...more, env: { ...env, ...more.env } }),
    async with(work) {
      const { db, close } = await connect(location, { maxConnections: 4 })
      try {
        return await work(db)
      } finally {
        await close()
      }
    },
  }
}
