import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { expect, it, onTestFinished } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { bm25Search, migrate, remember } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'
import { connectForTest, createEmptyDatabase } from '../support/empty-database.ts'
import { expectExactStatistics, insertRows, unfolded } from '../support/search-statistics.ts'
import { zipfRows, zipfWord } from '../support/zipf-corpus.ts'

const run = promisify(execFile)

/** pg_dump refuses servers that are newer than itself. */
async function clientMajor(): Promise<number> {
  const { stdout } = await run('pg_dump', ['--version']).catch(() => ({ stdout: '' }))
  return Number(/ (\d+)/.exec(stdout)?.[1] ?? 0)
}

describeOnServer('a dump', (server) => {
  for (const part of ['--format=custom', '--data-only'] as const) {
    it(`is restored with exact statistics (${part})`, async ({ skip }) => {
      const [row] = await queryRows(
        server.db,
        sql`SELECT current_setting('server_version_num')::int / 10000 AS major`,
      )
      const major = await clientMajor()
      if (major < Number(row?.major)) {
        console.warn(
          `\nThe dump test is skipped: the server is ${row?.major}, pg_dump ${major || 'not installed'}\n`,
        )
        return skip()
      }
      await server.db.execute(sql`TRUNCATE memory_items`)
      await insertRows(server.db, zipfRows(500))
      await remember(server.db, { id: 'late', text: 'not folded yet' })
      expect(await unfolded(server.db)).toBeGreaterThan(0)
      const folder = await mkdtemp(join(tmpdir(), 'opa-dump-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const file = join(folder, 'dump')
      const target = await createEmptyDatabase()
      const { db } = await connectForTest(target)
      if (part === '--data-only') {
        await run('pg_dump', [server.url, part, '--schema=public', '--file', file])
        await migrate(db)
        await run('psql', [target, '--set=ON_ERROR_STOP=1', '--quiet', '--file', file])
      } else {
        await run('pg_dump', [server.url, part, '--file', file])
        await run('pg_restore', ['--dbname', target, '--exit-on-error', '--no-owner', file])
      }
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
