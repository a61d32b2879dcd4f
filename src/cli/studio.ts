import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { openEmbedded } from '../database/connect.ts'
import { type DatabaseLocation, describeLocation } from '../database/location.ts'

/**
 * Runs Drizzle Studio until it is stopped. drizzle-kit's own PGlite driver loads no extensions, so an embedded database
 * is opened here and put behind a socket, where it is an ordinary server to Studio.
 */
export async function openStudio(location: DatabaseLocation, port: string): Promise<void> {
  const served = location.kind === 'server' ? undefined : await serveEmbedded(location.dataDir)
  console.log(`Drizzle Studio on ${describeLocation(location)}; stop it with Ctrl+C`)
  // Its program and not npx, which would not pass a signal on.
  const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs')
  const studio = spawn(process.execPath, [drizzleKit, 'studio', '--port', port], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: location.kind === 'server' ? location.url : served?.url },
  })
  // Ctrl+C reaches the child as well; this process stays to close the database properly.
  const stop = () => studio.kill('SIGTERM')
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const [status] = await once(studio, 'exit')
    if (status) process.exitCode = Number(status)
  } finally {
    await served?.close()
  }
}

async function serveEmbedded(dataDir: string): Promise<{ url: string; close: () => Promise<void> }> {
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
