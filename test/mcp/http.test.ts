import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError, connect, migrate, type OpenDatabase } from '../../src/index.ts'
import { type HttpOptions, type RunningMcp, runMcp } from '../../src/mcp/index.ts'
import { expectRefusal } from '../support/fixtures.ts'
import { clientOver, httpTransport } from './clients.ts'

const token = 'a-token-of-enough-length'

describe('MCP over HTTP, whom it answers', () => {
  let db: OpenDatabase
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    const connection = await connect({ kind: 'embedded', dataDir: 'memory://' })
    await migrate(connection.db)
    db = connection.db
    opened.push(connection)
  })
  afterAll(async () => {
    for (const { close } of opened.reverse()) await close()
  })

  async function serve(http: Partial<HttpOptions> = {}): Promise<RunningMcp> {
    const server = await runMcp({ db, http: { port: 0, ...http } })
    opened.push(server)
    return server
  }

  /** The status of a ping; node:http lets a test send any Host. */
  function statusOf(
    url: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<number | undefined> {
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const all = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: 'POST', headers: all }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      // After an answer the server may close a connection whose body it did not read.
      sent.on('error', reject)
      sent.end(body ?? ping)
    })
  }

  it('answers on the loopback, and only as such', async () => {
    const { url } = await serve()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/)
    expect(await statusOf(url as string)).toBe(200)
    expect(await statusOf(url as string, { origin: 'http://localhost:5173' })).toBe(200)
    // A name that somebody points at this machine, and pages of elsewhere.
    expect(await statusOf(url as string, { host: 'attacker.example' })).toBe(403)
    expect(await statusOf(url as string, { host: 'localhost.attacker.example:80' })).toBe(403)
    expect(await statusOf(url as string, { origin: 'https://attacker.example' })).toBe(403)
    expect(await statusOf(url as string, { origin: 'null' })).toBe(403)
  })

  it('has one path, takes no other methods and no endless bodies', async () => {
    const { url } = await serve()
    expect(await statusOf((url as string).replace('/mcp', '/'))).toBe(404)
    expect((await fetch(url as string)).status).toBe(405)
    expect(await statusOf(url as string, {}, 'x'.repeat(1_100_000))).toBe(413)
    expect(await statusOf(url as string, {}, '{"jsonrpc"')).toBe(400)
  })

  it('asks for the token, if there is one', async () => {
    const { url } = await serve({ token })
    expect(await statusOf(url as string)).toBe(401)
    expect(await statusOf(url as string, { authorization: 'Bearer a-token-of-other-length' })).toBe(401)
    expect(await statusOf(url as string, { authorization: token })).toBe(401)
    expect(await statusOf(url as string, { authorization: `Bearer ${token}` })).toBe(200)
    const client = await clientOver(
      httpTransport(url as string, { authorization: `Bearer ${token}` }),
      'auto',
    )
    expect((await client.call('add_memory', { text: 'by token' })).isError).toBe(false)
    await client.close()
  })

  it('needs a token, and a good one, beyond the loopback', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
      await expectRefusal(runMcp({ db, http: { port: 0, host } }), ConfigurationError, 'token', host)
    }
    for (const weak of ['', 'short', 'with a blank inside it', 'ümläute-über-allem']) {
      await expectRefusal(runMcp({ db, http: { port: 0, token: weak } }), ConfigurationError, 'token')
    }
    const { url } = await serve({ host: '0.0.0.0', token, allowedOrigins: ['app.example'] })
    const local = (url as string).replace('0.0.0.0', '127.0.0.1')
    const authorization = `Bearer ${token}`
    expect(await statusOf(local)).toBe(401)
    expect(await statusOf(local, { authorization, host: 'memory.example' })).toBe(200)
    expect(await statusOf(local, { authorization, origin: 'https://app.example' })).toBe(200)
    expect(await statusOf(local, { authorization, origin: 'http://localhost' })).toBe(403)
  })

  it('says that a port is taken, and frees it when it ends', async () => {
    const first = await runMcp({ db, http: { port: 0 } })
    const port = Number(new URL(first.url as string).port)
    await expect(runMcp({ db, http: { port } })).rejects.toThrow('EADDRINUSE')
    await first.close()
    await first.closed
    const second = await runMcp({ db, http: { port } })
    await second.close()
  })
})
