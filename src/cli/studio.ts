import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEmbedded } from '../database/connect.ts'
import { type DatabaseLocation, describeLocation, urlInSchema } from '../database/location.ts'
import { ConfigurationError } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * Runs Drizzle Studio until it is stopped. drizzle-kit's own PGlite driver loads no extensions, so an embedded database
 * is opened here and put behind a socket, where it is an ordinary server to Studio.
 *
 * @returns the exit code.
 */
export async function openStudio(
  context: Context,
  location: DatabaseLocation,
  port: number,
): Promise<number> {
  // Its program and not npx, which would not pass a signal on.
  const drizzleKit = join(dirname(resolved('drizzle-kit')), 'bin.cjs')
  const served = location.kind === 'server' ? undefined : await serveEmbedded(location.dataDir)
  try {
    await context.err.lines(`Drizzle Studio on ${describeLocation(location)}; stop it with Ctrl-C`)
    const words = ['studio', '--config', besides('./studio-config'), '--port', String(port)]
    const studio = spawn(process.execPath, [drizzleKit, ...words], {
      stdio: 'inherit',
      env: {
        ...context.environment,
        OPA_STUDIO_SCHEMA: besides('../schema/index'),
        DATABASE_URL: location.kind === 'server' ? urlInSchema(location) : served?.url,
      },
    })
    // Ctrl-C reaches the child as well; this process stays to close the database properly.
    const stop = () => studio.kill('SIGTERM')
    context.signal.addEventListener('abort', stop, { once: true })
    if (context.signal.aborted) stop()
    const [status] = await once(studio, 'exit')
    return context.signal.aborted ? 0 : Number(status ?? 1)
  } finally {
    await served?.close()
  }
}

/** A module of this package, in the repository or as it ships. */
function besides(name: string): string {
  return fileURLToPath(new URL(`${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
}

/** drizzle-kit and the socket are for people at a keyboard, so they are not installed with the package. */
function resolved(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new ConfigurationError(
      'Studio needs two packages: npm install --save-dev drizzle-kit @electric-sql/pglite-socket',
      { cause },
    )
  }
}

async function serveEmbedded(dataDir: string): Promise<{ url: string; close: () => Promise<void> }> {
  resolved('@electric-sql/pglite-socket')
  const { PGLiteSocketServer } = await import('@electric-sql/pglite-socket')
  const db = await openEmbedded(dataDir)
  const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1', maxConnections: 20 })
  await server.start()
  const port = server.getServerConn().split(':').at(-1)
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    close: async () => {
      await server.stop()
      await db.close()
    },
  }
}
