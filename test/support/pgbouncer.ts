import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A PgBouncer in front of a server. */
export interface PgBouncer {
  /** The server's URL with PgBouncer's address: connect with `prepare: false`. */
  readonly url: string
  stop(): Promise<void>
}

// Debian keeps it where only root's PATH looks.
const environment = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` }

/**
 * Starts PgBouncer in transaction mode in front of a server, on a free port of this machine. Each transaction may get
 * another connection to the server, so whatever a session would have to keep (prepared statements, settings, session
 * locks, LISTEN) breaks at once. Null, with the reason printed, where PgBouncer is not installed; in CI that throws.
 *
 * @example
 * const bouncer = await startPgBouncer(server.url)
 * const { db, close } = await connect({ kind: 'server', url: bouncer.url }, { prepare: false })
 */
export async function startPgBouncer(serverUrl: string): Promise<PgBouncer | null> {
  const version = await installedVersion()
  if (version === null) {
    const reason = 'pgbouncer is not installed'
    if (process.env.CI) throw new Error(`the PgBouncer tests cannot be skipped in CI: ${reason}`)
    console.warn(`\nThe PgBouncer tests are skipped: ${reason}\n`)
    return null
  }
  const folder = await mkdtemp(join(tmpdir(), 'opa-pgbouncer-'))
  const port = await freePort()
  const settings = join(folder, 'pgbouncer.ini')
  await writeFile(settings, configuration(new URL(serverUrl), port, version), { mode: 0o600 })

  const bouncer = spawn('pgbouncer', [settings], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  bouncer.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-4000)
  })
  const ended = once(bouncer, 'exit')
  // It keeps nothing, and its versions differ in which polite signal waits for whom.
  const kill = () => bouncer.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    kill()
    await ended
    await rm(folder, { recursive: true, force: true })
  }

  const deadline = Date.now() + 10_000
  while (!(await answers(port))) {
    if (bouncer.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`pgbouncer did not start:\n${log}`)
    }
    await sleep(20)
  }
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return { url: url.toString(), stop }
}

/** `[1, 18]`, or null where there is none. */
async function installedVersion(): Promise<readonly [number, number] | null> {
  try {
    const { stdout } = await promisify(execFile)('pgbouncer', ['--version'], { env: environment })
    const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout) ?? []
    return [Number(major), Number(minor)]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function configuration(server: URL, port: number, [major, minor]: readonly [number, number]): string {
  const quoted = (text: string) => `'${decodeURIComponent(text).replaceAll("'", "''")}'`
  const target = [
    `host=${quoted(server.hostname)}`,
    `port=${server.port || 5432}`,
    `user=${quoted(server.username)}`,
    `password=${quoted(server.password)}`,
  ]
  return [
    '[databases]',
    `* = ${target.join(' ')}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    // A few connections in turn: two transactions of one client rarely meet on the same one.
    'default_pool_size = 8',
    'server_round_robin = 1',
    // PgBouncer can carry named prepared statements since 1.21. Many installations do not.
    ...(major > 1 || minor >= 21 ? ['max_prepared_statements = 0'] : []),
    // It refuses to run as root.
    ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
    '',
  ].join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('expected a port of this machine')
  return address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
