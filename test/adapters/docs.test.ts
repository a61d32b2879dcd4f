import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')

/** The TypeScript of a page, block by block. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(project, 'docs', page), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block)
}

describe('the examples of docs/mcp.md and docs/adapters.md', () => {
  let folder: string
  const files = new Map<string, string>()
  let server: ChildProcess | undefined

  beforeAll(() => {
    // Inside the project, so that its packages are found; the names of its own are mapped to the sources.
    folder = mkdtempSync(join(project, 'test/.docs-'))
    const paths = Object.entries(manifest.exports).flatMap(([name, target]) =>
      typeof target === 'string'
        ? []
        : [
            [
              `opa-db${name.slice(1)}`,
              [target.default.replace('./dist', relative(folder, join(project, 'src'))).replace(/js$/, 'ts')],
            ],
          ],
    )
    for (const page of ['mcp.md', 'adapters.md']) {
      blocksOf(page).forEach((block, at) => {
        const name = `${page.replace('.md', '')}-${at}`
        mkdirSync(join(folder, name))
        files.set(name, join(folder, name, 'example.ts'))
        writeFileSync(
          join(folder, name, 'example.ts'),
          `${block.replace('port: 8123', 'port: 0')}\nexport {}\n`,
        )
      })
    }
    const options = {
      extends: '../../tsconfig.json',
      compilerOptions: { paths: Object.fromEntries(paths), noUnusedLocals: false },
      files: [...files.values()],
      include: [],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
  })
  afterAll(() => {
    server?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (name: string) =>
    [
      ['--import', 'tsx', files.get(name) as string],
      { cwd: join(folder, name), env: { ...process.env, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') } },
    ] as const

  it('are right by their types', async () => {
    expect([...files.keys()]).toEqual(['mcp-0', 'adapters-0', 'adapters-1', 'adapters-2'])
    const { stdout } = await run('npx', ['tsc', '--noEmit', '-p', folder], { cwd: project }).catch(
      (error) => error,
    )
    expect(stdout).toBe('')
  })

  it('run: the store of LangGraph', async () => {
    const { stdout } = await run(process.execPath, ...start('adapters-1'))
    expect(stdout).toContain("{ text: 'prefers a window seat' }")
  })

  it('run: a server of MCP', async () => {
    server = spawn(process.execPath, ...start('mcp-0'))
    const url = await new Promise<string>((resolve, reject) => {
      server?.stderr?.on('data', (data) => resolve(String(data).trim()))
      server?.once('exit', () => reject(new Error('the server ended before it listened')))
    })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/)
    const ended = new Promise((resolve) => server?.once('exit', resolve))
    server.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
