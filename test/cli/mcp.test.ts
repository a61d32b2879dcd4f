import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { beforeAll, describe, expect, it } from 'vitest'
import { clientOver, httpTransport } from '../mcp/clients.ts'
import { builtCommand, ended, plainEnvironment, run, start } from '../support/command.ts'
import { describeCommandsOnEachBackend } from '../support/command-databases.ts'
import { emptyFolder } from '../support/empty-folder.ts'

beforeAll(() => {
  builtCommand()
})

describeCommandsOnEachBackend('opa-db mcp', (database) => {
  it('serves a client that starts it, and ends when the client does', async () => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [builtCommand(), 'mcp', '--namespace', 'ana'],
      cwd: database.cwd,
      env: plainEnvironment(database.env),
      stderr: 'ignore',
    })
    const { call, close } = await clientOver(transport)
    expect(await call('add_memory', { text: 'Ana prefers window seats' })).toMatchObject({ isError: false })
    expect((await call('search_memories', { query: 'window seat' })).text).toContain(
      'Ana prefers window seats',
    )
    await close()
    const { stdout } = await run(['list', '--namespace', 'ana', '--json'], database.in())
    expect(JSON.parse(stdout).items).toHaveLength(1)
  })

  it('serves HTTP until it is stopped, which is no failure', async () => {
    const server = start(
      ['mcp', '--http', '0', '--read-only', '--tools', 'search_memories,get_memory'],
      database.in(),
    )
    const url = await new Promise<string>((resolve, reject) => {
      let said = ''
      server.stderr?.on('data', (chunk) => {
        said += chunk
        const found = /(http:\S+)/.exec(said)?.[1]
        if (found) resolve(found)
      })
      server.once('exit', () => reject(new Error(said)))
    })
    const { client, call, close } = await clientOver(httpTransport(url), 'auto')
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name).sort()).toEqual(['get_memory', 'search_memories'])
    expect((await call('search_memories', { query: 'window' })).text).toContain('window seats')
    await close()
    server.kill('SIGTERM')
    expect(await ended(server)).toMatchObject({ code: 0, stdout: '' })
    expect(await run(['list', '--json'], database.in())).toMatchObject({ code: 0 })
  })
})

describe('opa-db mcp refuses', () => {
  const cwd = emptyFolder()
  it.each([
    [['--tools', 'fly'], /got "fly"/],
    [['--http', '0', '--host', '0.0.0.0'], /needs a token/],
    [['--http', 'x'], /--http must be a whole number/],
  ])('%j: exit code 2', async (words, message) => {
    const refused = await run(['mcp', ...words], { cwd })
    expect(refused.stderr).toMatch(message)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
  })
})
