import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { expect, it, onTestFinished } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, remember } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { install, installation, testPath } from '../support/installation.ts'
import { expectExactStatistics, insertRows, unfolded } from '../support/search-statistics.ts'
import { zipfRows, zipfWord } from '../support/zipf-corpus.ts'

const run = promisify(execFile)

type Client = (program: 'pg_dump' | 'pg_restore' | 'psql', words: string[]) => Promise<unknown>

/**
 * The client programs of a server's version, because pg_dump refuses servers that are newer than itself: those of this
 * machine, or else those of the image that the test server is from. They see the folder under its own name.
 */
async function clientFor(server: number, folder: string): Promise<Client | string> {
  const { stdout } = await run('pg_dump', ['--version']).catch(() => ({ stdout: '' }))
  const major = Number(/ (\d+)/.exec(stdout)?.[1] ?? 0)
  if (major >= server) return (program, words) => run(program, words)
  const image = process.env.OPA_TEST_POSTGRES_IMAGE
  if (!image)
    return `the server is ${server}, pg_dump ${major || 'not installed'}, and OPA_TEST_POSTGRES_IMAGE not set`
  const docker = ['run', '--rm', '--network', 'host', '--volume', `${folder}:${folder}`]
  return (program, words) => run('docker', [...docker, '--entrypoint', program, image, ...words])
}

describeOnServer('a dump', (server) => {
  for (const part of ['--format=custom', '--data-only'] as const) {
    it(`is restored with exact statistics (${part})`, async ({ skip }) => {
      const [row] = await queryRows(
        server.db,
        sql`SELECT current_setting('server_version_num')::int / 10000 AS major`,
      )
      const folder = await mkdtemp(join(tmpdir(), 'opa-dump-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const client = await clientFor(Number(row?.major), folder)
      if (typeof client === 'string') {
        console.warn(`\nThe dump test is skipped: ${client}\n`)
        return skip()
      }
      await server.db.execute(sql`TRUNCATE memory_items`)
      await insertRows(server.db, zipfRows(500))
      await remember(server.db, { id: 'late', text: 'not folded yet' })
      expect(await unfolded(server.db)).toBeGreaterThan(0)
      const file = join(folder, 'dump')
      const target = await createEmptyDatabase()
      const { db } = await connectForTest(target)
      if (part === '--data-only') {
        await client('pg_dump', [server.url, part, `--schema=${installation.schema}`, '--file', file])
        await install(db)
        await client('psql', [target, '--set=ON_ERROR_STOP=1', '--quiet', '--file', file])
      } else {
        await client('pg_dump', [server.url, part, '--file', file])
        await client('pg_restore', ['--dbname', target, '--exit-on-error', '--no-owner', file])
      }
      // To look at the statistics behind the API.
      await db.execute(sql.raw(`SET search_path = ${testPath}`))
      await expectExactStatistics(db)
      const asked = { queryText: `${zipfWord(0)} folded`, k: 100 }
      expect(await bm25Search(db, asked)).toEqual(await bm25Search(server.db, asked))
      await insertRows(
        db,
        zipfRows(300, { seed: 2 }).map((row) => ({ ...row, id: `n${row.id}` })),
      )
      await expectExactStatistics(db)
    })
  }
})
