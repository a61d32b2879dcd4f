import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { plainEnvironment } from '../support/command.ts'
import { databaseUrl, withAdmin } from '../support/server-setup.ts'
import { describeLoading } from './loading.ts'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')

/** What a service does with the package: nothing but its public entry points, on the driver that it installed. */
const service = `
  import { memoryItems } from 'opa-db/schema'
  import manifest from 'opa-db/package.json' with { type: 'json' }
  import { connect, migrate, remember, bm25Search, schema } from 'opa-db'
  const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://' })
  const { applied } = await migrate(db)
  await remember(db, { text: 'Ana prefers window seats' })
  const found = await bm25Search(db, { queryText: 'window' })
  const rows = await db.select({ id: memoryItems.id }).from(memoryItems)
  console.log(JSON.stringify({ version: manifest.version, applied: applied.length, found: found.length, rows: rows.length, same: schema.memoryItems === memoryItems }))
  await close()
`

describe('the package', () => {
  let folder: string
  let tarball: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'opa-db-package-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('installs into an empty project, imports, migrates and searches', { timeout: 300_000 }, async () => {
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: project })
    tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
    // Nothing but the package itself: the drivers and Drizzle come with it.
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ type: 'module', dependencies: { 'opa-db': `file:${tarball}` } }),
    )
    writeFileSync(join(folder, 'service.js'), service)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder })
    const { stdout } = await run(process.execPath, ['service.js'], { cwd: folder })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ version: manifest.version, found: 1, rows: 1, same: true })
    expect(report.applied).toBeGreaterThanOrEqual(3)
  })

  it('has a command that remembers and finds in an empty folder', { timeout: 120_000 }, async () => {
    const empty = mkdtempSync(join(folder, 'empty-'))
    const opaDb = (...words: string[]) =>
      run(join(folder, 'node_modules/.bin/opa-db'), words, { cwd: empty, env: plainEnvironment() })
    expect((await opaDb('add', 'Ana prefers window seats')).stdout).toMatch(/^remembered: [0-9a-f]{8}\n$/)
    expect((await opaDb('search', 'window seat')).stdout).toContain('Ana prefers *window* *seats*')
    writeFileSync(join(empty, 'more.csv'), 'text,tags\nBob likes tea,drinks\n')
    expect((await opaDb('import', 'more.csv')).stdout).toMatch(/^imported 1 new memory/)
    const { stdout } = await opaDb('export')
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect((await opaDb('jobs', 'list')).stderr).toBe('no such jobs\n')
    expect((await opaDb('doctor')).stderr).toBe('all is well\n')
    expect(readdirSync(empty).sort()).toEqual(['.opa', 'more.csv'])
  })

  it('has a command that works on a server', { timeout: 120_000 }, async ({ skip }) => {
    const server = inject('server')
    if ('skipped' in server) return skip()
    const database = `opa_test_${randomBytes(6).toString('hex')}`
    await withAdmin(server.url, (admin) => admin.unsafe(`CREATE DATABASE ${database}`))
    try {
      const env = plainEnvironment({ DATABASE_URL: databaseUrl(server.url, database) })
      const opaDb = (...words: string[]) =>
        run(join(folder, 'node_modules/.bin/opa-db'), words, { cwd: folder, env })
      await expect(opaDb('list')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('opa-db migrate'),
      })
      expect((await opaDb('migrate', '--schema', 'opa')).stdout).toContain('applied 0000_')
      await opaDb('add', 'Ana prefers window seats', '--schema', 'opa')
      expect((await opaDb('search', 'window', '--schema', 'opa')).stdout).toContain('*window*')
      expect((await opaDb('doctor', '--schema', 'opa')).stderr).toBe('all is well\n')
    } finally {
      await withAdmin(server.url, (admin) => admin.unsafe(`DROP DATABASE ${database} WITH (FORCE)`))
    }
  })

  it('says which driver to install where it was left out', { timeout: 300_000 }, async () => {
    const bare = mkdtempSync(join(tmpdir(), 'opa-db-bare-'))
    onTestFinished(() => rmSync(bare, { recursive: true, force: true }))
    writeFileSync(
      join(bare, 'package.json'),
      JSON.stringify({ type: 'module', dependencies: { 'opa-db': `file:${tarball}` } }),
    )
    const install = ['install', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline']
    await run('npm', install, { cwd: bare })
    const opaDb = join(bare, 'node_modules/.bin/opa-db')
    const missing = (driver: string) => ({
      code: 2,
      stderr: `opa-db: a driver is missing, install it: npm install ${driver}\n`,
    })
    await expect(
      run(opaDb, ['migrate', '--url', 'postgres://localhost/none'], { cwd: bare, env: plainEnvironment() }),
    ).rejects.toMatchObject(missing('postgres'))
    await expect(run(opaDb, ['migrate'], { cwd: bare, env: plainEnvironment() })).rejects.toMatchObject(
      missing('@electric-sql/pglite @electric-sql/pglite-pgvector'),
    )
  })

  describe('in a service', () => describeLoading(() => tarball))
})
