import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')

/** Opens, migrates, remembers and finds, and reads by Drizzle's relational queries. */
const service = `
  const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://' }, options)
  await migrate(db)
  await remember(db, { text: 'Ana prefers window seats' })
  const parent = await enqueue(db, { intent: 'x' })
  await enqueue(db, { intent: 'y', parentId: parent.id })
  const [job] = await claim(db, { workerId: 'w', columns: ['intent', 'createdAt'] })
  const [row] = await db.query.jobs.findMany({ where, with: { children: true } })
  const found = await bm25Search(db, { queryText: 'window' })
  const refused = await remember(db, { text: '' }).catch((error) => error.code)
  await close()
  console.log(JSON.stringify({ found: found.length, claimed: job.createdAt instanceof Date, children: row.children.length, refused }))
`
const names = 'bm25Search, claim, connect, enqueue, migrate, remember'
const answer = { found: 1, claimed: true, children: 1, refused: 'invalid_input' }

/** Describes how a service loads the package that was packed: only one test file packs, since that builds dist/. */
export function describeLoading(tarball: () => string): void {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'opa-db-loading-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** A project with the package and a version of Drizzle. */
  async function install(name: string, drizzle: string): Promise<string> {
    const place = mkdtempSync(join(folder, `${name}-`))
    const dependencies = { 'opa-db': `file:${tarball()}`, 'drizzle-orm': drizzle }
    writeFileSync(join(place, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: place })
    return place
  }

  async function runScript(place: string, file: string, code: string, ...flags: string[]) {
    writeFileSync(join(place, file), code)
    return run(process.execPath, [...flags, file], { cwd: place })
  }

  it('runs on drizzle-orm 0.45, by import, by require and bundled', { timeout: 300_000 }, async () => {
    const place = await install('drizzle-0', manifest.devDependencies['drizzle-orm'])
    const where = `const options = {}, where = (job, { isNull }) => isNull(job.parentId);\n`
    const imported = `import { ${names} } from 'opa-db'\n${where}${service}`
    expect(JSON.parse((await runScript(place, 'service.js', imported)).stdout)).toEqual(answer)

    const required = `const { ${names} } = require('opa-db')\n${where}(async () => {${service}})()`
    expect(JSON.parse((await runScript(place, 'service.cjs', required)).stdout)).toEqual(answer)

    // Where this Node cannot require an ES module, it says what to do.
    const unable = runScript(place, 'unable.cjs', required, '--no-experimental-require-module')
    await expect(unable).rejects.toMatchObject({
      stderr: expect.stringMatching(/ERR_REQUIRE_ESM|dynamic import/),
    })

    await build({
      entryPoints: [join(place, 'service.js')],
      outfile: join(place, 'bundle.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['drizzle-orm/pglite', '@electric-sql/*'],
      logLevel: 'error',
    })
    const bundle = readFileSync(join(place, 'bundle.mjs'), 'utf8')
    expect(bundle).not.toContain("from 'opa-db'")
    rmSync(join(place, 'node_modules/opa-db'), { recursive: true })
    expect(JSON.parse((await runScript(place, 'run.mjs', bundle)).stdout)).toEqual(answer)
  })

  it('runs on drizzle-orm 1.0, with its relations', { timeout: 300_000 }, async () => {
    const version = manifest.devDependencies['drizzle-orm-1'].replace('npm:drizzle-orm@', '')
    const place = await install('drizzle-1', version)
    const code = `import { ${names} } from 'opa-db'
      import { relations } from 'opa-db/relations-v1'
      const options = { schema: relations }, where = { parentId: { isNull: true } }
      ${service}`
    expect(JSON.parse((await runScript(place, 'service.js', code)).stdout)).toEqual(answer)
  })

  it('is few files, without the paths of where it was built', () => {
    const files = readdirSync(join(project, 'dist'), { recursive: true, encoding: 'utf8' })
    const code = files.filter((file) => file.endsWith('.js'))
    expect(code.length).toBeLessThan(80)
    for (const file of code) expect(readFileSync(join(project, 'dist', file), 'utf8')).not.toContain(project)
  })
}
