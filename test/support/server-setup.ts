import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { connect } from '../../src/database/connect.ts'
import { makeEmbeddedTemplate } from './embedded-template.ts'
import { install } from './installation.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The test server, or why there is none. */
    server: { url: string; template: string } | { skipped: string }
    /** The files of a migrated embedded database, from which each test takes its own. */
    embedded: string
  }
}

const template = 'opa_test_template'

/**
 * Finds a PostgreSQL server for the tests: TEST_DATABASE_URL, else a container where Docker answers, else none, which
 * is said once, and is a failure in CI. Migrates one template database, from which every test file gets its own copy.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // `npm run mutate` makes one for all of its runs.
  const made = process.env.OPA_EMBEDDED_TEMPLATE
  const embedded = made ? { file: made, remove: async () => {} } : await makeEmbeddedTemplate()
  project.provide('embedded', embedded.file)
  const leaveServer = await setUpServer(project)
  return async () => {
    await leaveServer()
    await embedded.remove()
  }
}

async function setUpServer(project: TestProject): Promise<() => Promise<void>> {
  const server = await findServer()
  if ('skipped' in server) {
    if (process.env.CI) throw new Error(`the server suites cannot be skipped in CI: ${server.skipped}`)
    console.warn(`\nThe server suites are skipped: ${server.skipped}\n`)
    project.provide('server', server)
    return async () => {}
  }
  const name = `${template}_${process.pid}`
  await remakeTemplate(server.url, name)
  project.provide('server', { url: server.url, template: name })
  return async () => {
    await withAdmin(server.url, async (admin) => {
      await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    })
    await server.stop()
  }
}

type FoundServer = { url: string; stop: () => Promise<void> } | { skipped: string }

async function findServer(): Promise<FoundServer> {
  if (process.env.OPA_MUTANT) return { skipped: 'a mutant is tried on the embedded database alone' }
  const url = process.env.TEST_DATABASE_URL
  if (url) return { url, stop: async () => {} }
  const { getContainerRuntimeClient } = await import('testcontainers')
  try {
    await getContainerRuntimeClient()
  } catch (error) {
    return { skipped: `TEST_DATABASE_URL is not set, and Docker does not answer (${firstLine(error)})` }
  }
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const image = process.env.OPA_TEST_POSTGRES_IMAGE || 'pgvector/pgvector:pg17'
  try {
    const container = await new PostgreSqlContainer(image)
      .withCommand(['-c', 'max_connections=400', '-c', 'fsync=off', '-c', 'shared_buffers=512MB'])
      .withSharedMemorySize(1024 * 1024 * 1024)
      .start()
    return { url: container.getConnectionUri(), stop: async () => void (await container.stop()) }
  } catch (error) {
    return { skipped: `the image ${image} did not start (${firstLine(error)})` }
  }
}

async function remakeTemplate(url: string, name: string): Promise<void> {
  await withAdmin(url, async (admin) => {
    await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await admin.unsafe(`CREATE DATABASE ${name}`)
  })
  const connection = await connect({ kind: 'server', url: databaseUrl(url, name) }, { maxConnections: 1 })
  try {
    await install(connection.db)
  } finally {
    await connection.close()
  }
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.toString()
}

/** Runs statements that belong to no database of a test: CREATE DATABASE and the like. */
export async function withAdmin<T>(url: string, work: (admin: postgres.Sql) => Promise<T>): Promise<T> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

function firstLine(error: unknown): string {
  return String((error as Error)?.message ?? error).split('\n')[0] ?? ''
}
