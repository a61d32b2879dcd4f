import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import postgres from 'postgres'

/**
 * `npm run example`: packs this package and installs it into a copy of examples/service, migrates two databases (each
 * project's migrations first once), type-checks the service, bundles it to one file, runs that in an empty folder, calls
 * it, and removes everything. On the server of DATABASE_URL, else in a container.
 */
const execute = promisify<string, readonly string[], object, { stdout: string }>(execFile as never)
const project = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'opa-db-example-'))
const service = join(folder, 'service')
/** Runs a command, and shows what it said if it fails. */
const run: typeof execute = async (...call) =>
  execute(...call).catch((error) => {
    throw new Error(`${call[0]} ${call[1].join(' ')} failed:\n${error.stdout}${error.stderr}`)
  })
const step = (text: string) => console.log(`- ${text}`)

const server = await findServer()
const databases = ['a', 'b'].map((letter) => `opa_example_${letter}_${randomBytes(4).toString('hex')}`)
const admin = postgres(server.url, { max: 1, onnotice: () => {} })
try {
  for (const database of databases) await admin.unsafe(`CREATE DATABASE ${database}`)
  await install()
  await migrateBothOrders()
  await compareOrders()
  await npx('tsc')
  step('the service type-checks')
  await runBundle()
  step('done: everything answered as it should')
} finally {
  for (const database of databases) await admin.unsafe(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  await admin.end()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function findServer(): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const url = process.env.TEST_DATABASE_URL || process.env.DATABASE_URL
  if (url) return { url, stop: async () => {} }
  step('starting PostgreSQL in a container')
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const image = process.env.OPA_TEST_POSTGRES_IMAGE || 'pgvector/pgvector:pg17'
  const container = await new PostgreSqlContainer(image).start()
  return { url: container.getConnectionUri(), stop: () => container.stop() }
}

async function install(): Promise<void> {
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: project })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  cpSync(join(project, 'examples/service'), service, {
    recursive: true,
    filter: (path) => !/[\\/](node_modules|dist)$/.test(path),
  })
  const manifest = JSON.parse(readFileSync(join(service, 'package.json'), 'utf8'))
  manifest.dependencies['opa-db'] = `file:../${tarball}`
  writeFileSync(join(service, 'package.json'), JSON.stringify(manifest, null, 2))
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: service })
  step(`installed ${tarball}`)
}

function urlOf(database: string | undefined): string {
  const url = new URL(server.url)
  url.pathname = `/${database}`
  return url.toString()
}

async function npx(...words: string[]): Promise<string> {
  const { stdout } = await run('npx', ['--no-install', ...words], { cwd: service })
  return stdout
}

async function migrateBothOrders(): Promise<void> {
  const migrate = async (database: string | undefined, ...config: string[]) => {
    const env = { ...process.env, DATABASE_URL: urlOf(database) }
    await run('npx', ['--no-install', 'drizzle-kit', 'migrate', ...config], { cwd: service, env })
  }
  const [one, other] = databases
  const opa = ['--config', 'drizzle.opa.config.ts']
  await migrate(one, ...opa)
  await migrate(one)
  step('migrated: opa-db first, then the service')

  // The service's first migration refers to nothing of opa-db's: it may have been there for long.
  const journal = join(service, 'drizzle/meta/_journal.json')
  const whole = readFileSync(journal, 'utf8')
  const { entries, ...rest } = JSON.parse(whole)
  writeFileSync(journal, JSON.stringify({ ...rest, entries: entries.slice(0, 1) }))
  await migrate(other)
  await migrate(other, ...opa)
  writeFileSync(journal, whole)
  await migrate(other)
  step('migrated: the service first, then opa-db, then the service again')

  // What drizzle-kit does to a database by the service's configuration is the service's alone.
  const before = await tables(one)
  expect(
    (await npx('drizzle-kit', 'generate')).includes('No schema changes'),
    'generate found something to do',
  )
  const env = { ...process.env, DATABASE_URL: urlOf(one) }
  await execute('npx', ['--no-install', 'drizzle-kit', 'push', '--force'], { cwd: service, env }).catch(
    () => {},
  )
  expect((await tables(one)) === before, 'drizzle-kit push changed what opa-db made')
  step('drizzle-kit generate and push leave what opa-db made')
}

async function tables(database: string | undefined): Promise<string> {
  const sql = postgres(urlOf(database), { max: 1 })
  const rows =
    await sql`SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`
  await sql.end()
  return JSON.stringify(rows.map((row) => `${row.schemaname}.${row.tablename}`))
}

async function compareOrders(): Promise<void> {
  const [one, other] = databases
  const [first, second] = [await tables(one), await tables(other)]
  for (const table of [
    'public.memory_items',
    'public.jobs',
    'public.notes',
    'public.users',
    'public_opa.migrations',
  ]) {
    expect(first.includes(`"${table}"`), `no table ${table} in ${first}`)
  }
  expect(first === second, `the two orders differ: ${first} and ${second}`)
}

async function runBundle(): Promise<void> {
  await run('npm', ['run', '--silent', 'build'], { cwd: service })
  const empty = join(folder, 'deployed')
  mkdirSync(empty)
  cpSync(join(service, 'dist/main.mjs'), join(empty, 'main.mjs'))
  step('bundled to one file')

  const child = spawn(process.execPath, ['main.mjs'], {
    cwd: empty,
    env: { ...process.env, DATABASE_URL: urlOf(databases[0]), PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  let logged = ''
  child.stderr.on('data', (data) => (logged += data))
  try {
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      ended.then(() => expect(false, 'the service ended before it listened')),
    ])) as [string]
    const { port } = JSON.parse(line.replace('listening on ', ''))
    await callService(`http://localhost:${port}`)
  } catch (error) {
    console.error(logged)
    throw error
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

async function callService(origin: string): Promise<void> {
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${origin}${path}`, { method, ...(body && { body: JSON.stringify(body) }) })
    return { status: response.status, value: (await response.json()) as never }
  }
  await call('POST', '/users', { id: 'ana', name: 'Ana' })
  const text = 'Ana prefers a window seat on long flights'
  const { value: note } = await call('POST', '/notes', { userId: 'ana', title: 'Seats', text })
  expect((note as { id: number }).id === 1, `no note: ${JSON.stringify(note)}`)

  const refused = await call('POST', '/notes', { userId: 'ana', title: 'Empty', text: '' })
  expect(refused.status === 400, `an empty text was answered by ${refused.status}`)
  const unknown = await call('POST', '/notes', {
    userId: 'nobody',
    title: 'x',
    text: 'a memory without a user',
  })
  expect(unknown.status === 500, `a user who is not there was answered by ${unknown.status}`)

  const { value: found } = await call('GET', '/search?user=ana&q=seats')
  expect((found as { title: string }[])[0]?.title === 'Seats', `not found: ${JSON.stringify(found)}`)
  const { value: none } = await call('GET', '/search?user=nobody&q=memory')
  expect((none as unknown[]).length === 0, 'the memory of the refused note stayed')

  const { value: summary } = await call('POST', '/summaries', { userId: 'ana' })
  for (let attempt = 0; ; attempt += 1) {
    const { value } = await call('GET', `/summaries?id=${(summary as { id: number }).id}`)
    const [row] = value as { text: string | null }[]
    if (row?.text === 'Seats') break
    expect(attempt < 100, `the worker did not summarise: ${JSON.stringify(row)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  step('called: a note with its memory, a search, a summary by the worker')
}

function expect(isTrue: boolean, problem: string): void {
  if (!isTrue) throw new Error(problem)
}
