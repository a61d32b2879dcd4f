import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { type Connection, connect } from '../../src/database/connect.ts'
import { openEmbeddedCopy } from './embedded-template.ts'
import { testPath } from './installation.ts'
import { applyMutantOfEnvironment } from './mutant.ts'
import { databaseUrl, withAdmin } from './server-setup.ts'

/** The fresh, migrated database of a describe block. Read its members inside tests and hooks only. */
export interface TestDatabase {
  readonly backend: 'embedded' | 'server'
  readonly db: Connection['db']
  readonly location: Connection['location']
}

/** A database on the server, which takes more than one connection. */
export interface TestServer extends TestDatabase {
  readonly url: string
  /** Another connection (pool) to the same database, closed after the block. */
  connectAgain(maxConnections?: number): Promise<Connection>
}

/** Describes a behaviour once and tries it on a fresh embedded database and on a fresh database of the server. */
export function describeOnEachBackend(name: string, tests: (database: TestDatabase) => void): void {
  describe(`${name} (embedded)`, () => {
    tests(opened('embedded', openMigratedEmbedded))
  })
  describeOnServer(name, tests)
}

/** Describes what only a server can show: locks, concurrency, plans, crashes. */
export function describeOnServer(name: string, tests: (server: TestServer) => void): void {
  const server = inject('server')
  describe.skipIf('skipped' in server)(`${name} (server)`, () => {
    if ('skipped' in server) return
    const database = `opa_test_${randomBytes(6).toString('hex')}`
    const url = databaseUrl(server.url, database)
    const more: Connection[] = []
    const test = opened('server', async () => {
      await withAdmin(server.url, async (admin) => {
        await admin.unsafe(`CREATE DATABASE ${database} TEMPLATE ${server.template}`)
        await admin.unsafe(`ALTER DATABASE ${database} SET search_path = ${testPath}`)
      })
      return connect({ kind: 'server', url })
    })
    afterAll(async () => {
      await Promise.all(more.map((connection) => connection.close()))
      await withAdmin(server.url, (admin) => admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`))
    })
    const connectAgain = async (maxConnections = 10) => {
      const connection = await connect({ kind: 'server', url }, { maxConnections })
      more.push(connection)
      return connection
    }
    tests(Object.assign(test, { url, connectAgain }))
  })
}

function opened(backend: 'embedded' | 'server', open: () => Promise<Connection>): TestDatabase {
  let connection: Connection | undefined
  const current = () => {
    if (connection === undefined) throw new Error('the test database is open inside tests and hooks only')
    return connection
  }
  beforeAll(async () => {
    connection = await open()
  })
  // Registered before the server's own hook, and hooks run in reverse: closed after the block's others, dropped last.
  afterAll(() => connection?.close())
  return {
    backend,
    get db() {
      return current().db
    },
    get location() {
      return current().location
    },
  }
}

async function openMigratedEmbedded(): Promise<Connection> {
  const connection = await openEmbeddedCopy(inject('embedded'))
  await connection.db.execute(sql.raw(`SET search_path = ${testPath}`))
  await applyMutantOfEnvironment(connection.db)
  return connection
}
