import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/terminal.ts'
import { memoryId } from '../../src/index.ts'
import { builtCommand, run } from '../support/command.ts'
import { emptyFolder } from '../support/empty-folder.ts'

beforeAll(() => {
  builtCommand()
})

describe('opa-db without a database', () => {
  it('says on one screen what a newcomer types', async () => {
    for (const words of [[], ['help'], ['--help']]) {
      const { code, stdout, stderr } = await run(words)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const lines = stdout.trimEnd().split('\n')
      expect(lines.length).toBeLessThanOrEqual(24)
      expect(lines.filter((line) => displayWidth(line) > 80)).toEqual([])
      expect(lines.findIndex((line) => line.includes('opa-db add'))).toBeLessThan(4)
    }
  })

  it('prints its version', async () => {
    const { stdout, code } = await run(['--version'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each([
    [['fnid', 'x'], /unknown command 'fnid'/],
    [['list', '--limt', '3'], /unknown option '--limt'\n.*Did you mean --limit/],
    [['list', '--limit', '0'], /--limit must be a whole number from 1 to 1000, got "0"/],
    [['search'], /missing required argument 'words'/],
    [['add', 'x', '--metadata', '[1]'], /--metadata must be a JSON object/],
    [['add', 'x', '--importance', '2'], /--importance must be a number from 0 to 1/],
    [['list', '--url', 'http://localhost/x'], /must start with postgres:/],
    [['list', '--url', 'postgres://x', '--data-dir', 'y'], /give one of them/],
    [['jobs', 'list', '--status', 'done'], /--status must be one of pending, running/],
    [['add'], /nothing on standard input/],
    [['embed'], /no embedder is configured/],
  ])('%j is wrong use: exit code 2 and one sentence on stderr', async (words, message) => {
    const { code, stdout, stderr } = await run(words, { cwd: emptyFolderOfTests })
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it.each([['search', 'x'], ['list'], ['status'], ['doctor'], ['export'], ['show', 'abcd']])(
    '%s makes no database, and says what would',
    async (...words) => {
      const { code, stdout, stderr } = await run(words, { cwd: emptyFolderOfTests })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain('there is no database in .opa yet')
      expect(existsSync(join(emptyFolderOfTests, '.opa'))).toBe(false)
    },
  )

  it('says what is wrong with a server that does not answer, with a stack only where it is asked for', async () => {
    const words = ['list', '--url', 'postgres://nobody@127.0.0.1:9/none']
    const { code, stderr } = await run(words)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^opa-db: no connection to the database: .*ECONNREFUSED/)
    expect(stderr).not.toMatch(/\n\s+at /)
    const verbose = await run([...words, '--verbose'])
    expect(verbose.code).toBe(1)
    expect(verbose.stderr).toMatch(/\n\s+at /)
  })
})

const emptyFolderOfTests = emptyFolder()

describe('opa-db in an empty folder', () => {
  const cwd = emptyFolder()
  const text = 'Ana prefers window seats on night trains'
  const id = memoryId('ana', text, ['travel'])

  it('remembers without anything being set up, and the same thing once', async () => {
    const added = await run(['add', ...text.split(' '), '--tag', 'travel', '-n', 'ana'], { cwd })
    expect(added).toMatchObject({ code: 0, stdout: `remembered: ${id.slice(0, 8)}\n`, stderr: '' })
    const again = await run(['add', text, '--tag', 'travel', '-n', 'ana', '--json'], { cwd })
    expect(JSON.parse(again.stdout)).toEqual({ id, created: false, embedded: false })
  })

  it('reads a text from standard input', async () => {
    const added = await run(['add', '-n', 'bob'], {
      cwd,
      input: 'Bob moved the review\nto Thursday \u001b[31m\n',
    })
    expect(added).toMatchObject({ code: 0 })
    const { stdout } = await run(['list', '--namespace', 'bob', '--json'], { cwd })
    expect(JSON.parse(stdout).items[0].text).toBe('Bob moved the review\nto Thursday \u001b[31m')
  })

  it('finds, marks and explains', async () => {
    const { code, stdout, stderr } = await run(['search', 'widow', 'seats', '--explain'], { cwd })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'nobody wrote it like that: read "widow" as "window"\n',
    })
    expect(stdout).toContain('Ana prefers *window* *seats* on night trains')
    expect(stdout).toMatch(/seat \d\.\d\d \+ window \d\.\d\d/)
    const { stdout: json } = await run(['search', 'window', '--json'], { cwd })
    expect(JSON.parse(json)).toMatchObject([
      { id, text, highlighted: 'Ana prefers <b>window</b> seats on night trains' },
    ])
  })

  it('reads a question as prose, and operators where they are asked for', async () => {
    const prose = await run(['search', 'window "seats on trains" -night', '--json'], { cwd })
    expect(JSON.parse(prose.stdout)).toHaveLength(1)
    const operators = await run(['search', 'window -night', '--operators', '--json'], { cwd })
    expect(JSON.parse(operators.stdout)).toEqual([])
  })

  it('finds nothing: no table, a word on stderr, exit code 0', async () => {
    const found = await run(['search', 'window', '--namespace', 'bob'], { cwd })
    expect(found).toMatchObject({ code: 0, stdout: '', stderr: 'nothing found\n' })
  })

  it('lists, with control characters made visible', async () => {
    const { stdout } = await run(['list'], { cwd })
    expect(stdout).toContain('Bob moved the review to Thursday ␛[31m')
    expect(stdout).not.toContain('\u001b')
    expect(stdout.split('\n')[0]).toMatch(/^id +created +namespace +tags +memory$/)
  })

  it('shows and forgets by the beginning of an id', async () => {
    const shown = await run(['show', id.slice(0, 6)], { cwd })
    expect(shown.stdout).toContain(`${text}\n\nid          ${id}`)
    expect(await run(['show', 'ffff'], { cwd })).toMatchObject({ code: 1 })
    const wrong = await run(['forget', id.slice(0, 6), 'ffff'], { cwd })
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    const gone = await run(['forget', id.slice(0, 6)], { cwd })
    expect(gone).toMatchObject({ code: 0, stdout: 'forgotten: 1 memory\n' })
    expect(await run(['show', id], { cwd })).toMatchObject({ code: 1 })
  })

  it('says what is there', async () => {
    const { code, stdout } = await run(['status'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/database +the embedded database in \.opa\n/)
    expect(stdout).toMatch(/memories +1 in 1 namespace\n/)
  })

  it('migrates, and says when there is nothing to do', async () => {
    const { stdout } = await run(['migrate'], { cwd })
    expect(stdout).toBe('the embedded database in .opa: nothing to do\n')
  })

  it('drops everything only when it is told to', async () => {
    const asked = await run(['reset'], { cwd })
    expect(asked).toMatchObject({ code: 2, stdout: '' })
    expect(asked.stderr).toContain('--yes')
    expect(await run(['reset', '--yes'], { cwd })).toMatchObject({ code: 0 })
    const { stdout } = await run(['status', '--json'], { cwd })
    expect(JSON.parse(stdout)).toMatchObject({ memories: 0 })
  })
})
