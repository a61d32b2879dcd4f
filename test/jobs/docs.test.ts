import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'opa-docs-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The examples that are whole programs, each with the output that is printed after it, if any. */
function programs(page: string): { readonly code: string; readonly output: string | undefined }[] {
  const text = readFileSync(new URL(`docs/${page}`, root), 'utf8')
  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```(?:\n\n```\n([\s\S]*?)```)?/g)]
  return blocks
    .map(([, code = '', output]) => ({ code, output }))
    .filter(({ code }) => code.includes('await connect('))
}

describe.each(['jobs.md', 'schedules-and-limits.md', 'operating.md'])('the examples of docs/%s', (page) => {
  it.each(programs(page).map((program, at) => ({ ...program, at })))(
    'number $at runs and prints what it says',
    async ({ code, output, at }) => {
      const file = join(folder, `${page}-${at}.mts`)
      const source = pathToFileURL(fileURLToPath(new URL('src/index.ts', root))).href
      writeFileSync(file, code.replaceAll("'opa-db'", `'${source}'`))
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], {
        cwd: fileURLToPath(root),
        timeout: 50_000,
      })
      expect(stderr).toBe('')
      // console.log breaks long arrays into lines.
      const flat = (text: string) => text.replace(/\s+/g, ' ').trim()
      if (output !== undefined) expect(flat(stdout)).toBe(flat(output))
    },
  )
})
