import { randomBytes } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { type Connection, connect } from '../../src/database/connect.ts'
import { databaseUrl, withAdmin } from './server-setup.ts'

/** An empty database on the test server, dropped after the test. `as` is a role to make, which owns it and is no superuser. */
export async function createEmptyDatabase(options: { as?: string; encoding?: string } = {}): Promise<string> {
  const server = inject('server')
  if ('skipped' in server) throw new Error(`no server: ${server.skipped}`)
  const name = `opa_test_${randomBytes(6).toString('hex')}`
  const role = options.as && `${options.as}_${name}`
  await withAdmin(server.url, async (admin) => {
    if (role) await admin.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    const owner = role ? `OWNER ${role}` : ''
    const encoding = options.encoding ? `ENCODING '${options.encoding}' LOCALE 'C' TEMPLATE template0` : ''
    await admin.unsafe(`CREATE DATABASE ${name} ${owner} ${encoding}`)
  })
  onTestFinished(() =>
    withAdmin(server.url, async (admin) => {
      await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      if (role) await admin.unsafe(`DROP ROLE ${role}`)
    }),
  )
  const url = new URL(databaseUrl(server.url, name))
  if (role) Object.assign(url, { username: role, password: 'secret' })
  return url.toString()
}

/** The same database, as the server's superuser. */
export function asSuperuser(url: string): string {
  const server = inject('server')
  if ('skipped' in server) throw new Error(`no server: ${server.skipped}`)
  return databaseUrl(server.url, new URL(url).pathname.slice(1))
}

/** A connection that is closed after the test. */
export async function connectForTest(url: string, maxConnections = 1): Promise<Connection> {
  const connection = await connect({ kind: 'server', url }, { maxConnections })
  onTestFinished(() => connection.close())
  return connection
}
