import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { builtCommand } from '../support/command.ts'
import { copyEmbeddedFolder } from '../support/embedded-template.ts'

const root = new URL('../../', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'opa-docs-'))
afterAll(() => rmSync(folder, { recursive: true }))
/** The package as it ships. */
const source = pathToFileURL(join(builtCommand(), '../../index.js')).href

/** The examples that are whole programs, each with the output that is printed after it, if any. */
function programs(page: string): { readonly code: string; readonly output: string | undefined }[] {
  const text = readFileSync(new URL(page, root), 'utf8')
  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```(?:\n\n```\n([\s\S]*?)```)?/g)]
  return blocks
    .map(([, code = '', output]) => ({ code, output }))
    .filter(({ code }) => code.includes('await connect(') && isAlone(code))
}

/** Examples that need another library or an embedder have tests of their own. */
function isAlone(code: string): boolean {
  const imported = [...code.matchAll(/from '([^']+)'/g)].map(([, name = '']) => name)
  return imported.every((name) => name === 'opa-db' || name.startsWith('node:')) && !/Embedder\(/.test(code)
}

// Every page that has whole programs.
const pages = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)]

describe.each(pages.filter((page) => programs(page).length > 0))('the examples of %s', (page) => {
  it.each(programs(page).map((program, at) => ({ ...program, at })))(
    'number $at runs and prints what it says',
    async ({ code, output, at }) => {
      const file = join(folder, `${page.replaceAll('/', '-')}-${at}.mjs`)
      const dataDir = `${file}.data`
      copyEmbeddedFolder(inject('embedded'), dataDir)
      writeFileSync(
        file,
        transformSync(
          code.replaceAll("'opa-db'", `'${source}'`).replace("dataDir: '.opa'", `dataDir: '${dataDir}'`),
          { loader: 'ts', format: 'esm', target: 'node20' },
        ).code,
      )
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
        cwd: fileURLToPath(root),
        timeout: 50_000,
      })
      expect(stderr).toBe('')
      // console.log breaks long arrays into lines.
      const flat = (text: string) => text.replace(/\s+/g, ' ').trim()
      if (output === undefined) return
      // … stands for anything.
      const parts = flat(output)
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      expect(flat(stdout)).toMatch(new RegExp(`^${parts.join('.*')}$`))
    },
  )
})
