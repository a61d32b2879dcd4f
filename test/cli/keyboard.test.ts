import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { beforeAll, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/terminal.ts'
import { countMemories, enqueue, rememberMany } from '../../src/index.ts'
import { builtCommand, type Ended, ended, plainEnvironment, start } from '../support/command.ts'
import { type CommandDatabase, describeCommandsOnServer } from '../support/command-databases.ts'

beforeAll(() => {
  builtCommand()
})

/** Starts `opa-db` at a terminal of its own: what is written to its standard input are keys. */
function typeAt(
  database: CommandDatabase,
  words: readonly string[],
  { columns = 80, env = {} }: { readonly columns?: number; readonly env?: Record<string, string> } = {},
): ChildProcess {
  const quoted = [process.execPath, builtCommand(), ...words].map((word) => `'${word}'`).join(' ')
  return spawn('script', ['-qefc', `stty cols ${columns} rows 40; exec ${quoted}`, '/dev/null'], {
    cwd: database.cwd,
    env: plainEnvironment({ ...database.env, TERM: 'xterm', ...env }),
  })
}

/** Presses the keys as soon as the terminal shows the text so often, and waits for the end. */
function pressAt(child: ChildProcess, text: string, keys: string, times = 1): Promise<Ended> {
  let shown = ''
  child.stdout?.on('data', (data: Buffer) => {
    const before = shown.split(text).length
    shown += data
    if (before <= times && shown.split(text).length > times) child.stdin?.write(keys)
  })
  return ended(child)
}

const clearScreen = '\u001b[H\u001b[J'
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what it is about
const colour = /\u001b\[[0-9;]+m/

describeCommandsOnServer('opa-db at a keyboard', (database) => {
  beforeAll(() =>
    database.with(async (db) => {
      await rememberMany(db, {
        items: ['one', 'two', 'three'].map((text) => ({ text, namespace: 'ana' })),
      })
      await enqueue(db, { queue: 'documents', intent: 'read' })
    }),
  )
  const left = () => database.with((db) => countMemories(db, { namespace: 'ana' }))

  it('asks before it erases, and takes no answer for a no', async () => {
    const words = ['erase', '--namespace', 'ana']
    for (const keys of ['n\r', '\r', 'yess\r']) {
      const refused = await pressAt(typeAt(database, words), '[y/N]', keys)
      expect(refused.stdout).toContain('3 memories')
      expect(refused.code).toBe(1)
      expect(await left()).toBe(3)
    }
    const stopped = await pressAt(typeAt(database, words), '[y/N]', '\u0003')
    expect(stopped.code).toBe(130)
    expect(await left()).toBe(3)
    expect((await pressAt(typeAt(database, words), '[y/N]', 'y\r')).code).toBe(0)
    expect(await left()).toBe(0)
  })

  it('watches over what it wrote before, until Ctrl-C', async () => {
    const watching = typeAt(database, ['jobs', 'watch', '--interval', '0.1'])
    const { code, stdout } = await pressAt(watching, clearScreen, '\u0003', 3)
    expect(code).toBe(0)
    const looks = stdout.split(clearScreen).slice(1, 4)
    expect(looks).toHaveLength(3)
    for (const look of looks) expect(look).toContain('documents')
  })

  it('keeps its bar within a narrow terminal, and its colours to itself where they are not wanted', async () => {
    const input = Array.from({ length: 3000 }, (_, at) => JSON.stringify({ text: `memory ${at}` })).join('\n')
    const file = `${database.cwd}/many.jsonl`
    writeFileSync(file, input)
    const shown = await ended(typeAt(database, ['import', file], { columns: 40 }))
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('imported 3,000 new memories')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor takes no column
    const lines = shown.stdout.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').split(/[\r\n]+/)
    const bars = lines.filter((line) => /\d %|\d\/s/.test(line) && !line.startsWith('imported'))
    expect(bars.length).toBeGreaterThan(0)
    for (const line of bars) expect(displayWidth(line)).toBeLessThanOrEqual(40)

    const search = ['search', 'memory 7']
    expect((await ended(typeAt(database, search))).stdout).toMatch(colour)
    expect((await ended(typeAt(database, search, { env: { NO_COLOR: '1' } }))).stdout).not.toMatch(colour)
    expect((await ended(typeAt(database, search, { env: { TERM: 'dumb' } }))).stdout).not.toMatch(colour)
  })

  it('serves Studio until it is stopped, and leaves nothing behind', async () => {
    const port = await freePort()
    const studio = start(['studio', '--port', String(port)], database.in({ input: null }))
    const over = ended(studio)
    await expect
      .poll(() => fetch(`http://127.0.0.1:${port}/`).then(() => 'answers', String), { timeout: 60_000 })
      .toBe('answers')
    studio.kill('SIGINT')
    expect(await over).toMatchObject({ code: 0, stderr: expect.stringContaining('Drizzle Studio on') })
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
