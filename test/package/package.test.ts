import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

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
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'opa-db-package-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('installs into an empty project, imports, migrates and searches', { timeout: 300_000 }, async () => {
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: project })
    const [tarball] = readdirSync(folder)
    const {
      'drizzle-orm': drizzle,
      '@electric-sql/pglite': pglite,
      '@electric-sql/pglite-pgvector': pgliteVector,
    } = manifest.devDependencies
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({
        type: 'module',
        dependencies: {
          'opa-db': `file:${tarball}`,
          'drizzle-orm': drizzle,
          '@electric-sql/pglite': pglite,
          '@electric-sql/pglite-pgvector': pgliteVector,
        },
      }),
    )
    writeFileSync(join(folder, 'service.js'), service)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder })
    const { stdout } = await run(process.execPath, ['service.js'], { cwd: folder })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ version: manifest.version, found: 1, rows: 1, same: true })
    expect(report.applied).toBeGreaterThanOrEqual(3)
  })

  it('says which driver to install where it is missing', async () => {
    writeFileSync(
      join(folder, 'missing.js'),
      `import { connect } from 'opa-db'
       await connect({ kind: 'server', url: 'postgres://localhost/none' }).catch((error) => console.log(error.code, error.message))`,
    )
    const { stdout } = await run(process.execPath, ['missing.js'], { cwd: folder })
    expect(stdout.trim()).toBe('configuration a driver is missing, install it: npm install postgres')
  })
})
