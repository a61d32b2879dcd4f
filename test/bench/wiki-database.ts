import { randomBytes } from 'node:crypto'
import type { Database } from '../../src/database/database.ts'
import { connect, migrate, rememberMany } from '../../src/index.ts'
import { databaseUrl, withAdmin } from '../support/server-setup.ts'
import { withBar } from './report.ts'
import { unit, type WikiText, wikiFolder } from './wiki-corpus.ts'

/** The sample's folder. @throws if it is not there: a benchmark on anything else could not be compared. */
export function neededWikiFolder(): string {
  const folder = wikiFolder()
  if (folder === null) {
    throw new Error(
      'the Wikipedia sample is not there: EVAL_DATA_DIR says where it is (wiki100k/passages.jsonl.gz and the others)',
    )
  }
  return folder
}

/** Runs the work on a migrated database of its own on the server of DATABASE_URL, and drops it afterwards. */
export async function withBenchDatabase<T>(
  work: (database: { readonly db: Database; readonly url: string }) => Promise<T>,
): Promise<T> {
  const server = process.env.DATABASE_URL
  if (!server) throw new Error('expected DATABASE_URL, the server to measure on')
  const name = `opa_bench_${randomBytes(6).toString('hex')}`
  await withAdmin(server, async (admin) => {
    await admin.unsafe(`CREATE DATABASE ${name}`)
    // What is no part of the API is measured too.
    await admin.unsafe(`ALTER DATABASE ${name} SET search_path = public, public_opa`)
    // So that HNSW is built in memory; by one process, since servers in containers have little shared memory.
    await admin.unsafe(`ALTER DATABASE ${name} SET maintenance_work_mem = '1GB'`)
    await admin.unsafe(`ALTER DATABASE ${name} SET max_parallel_maintenance_workers = 0`)
  })
  try {
    const url = databaseUrl(server, name)
    const connection = await connect({ kind: 'server', url }, { maxConnections: 3 })
    try {
      await migrate(connection.db)
      return await work({ db: connection.db, url })
    } finally {
      await connection.close()
    }
  } finally {
    await withAdmin(server, (admin) => admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  }
}

/** Shares of the corpus, in percent, that a tag of the same name selects. */
export const tagShares = [0.01, 0.1, 1, 5, 10, 50] as const

/** The tag of the rows that so many percent pass; null for all of them. */
export function shareTag(percent: number): string | null {
  return percent >= 100 ? null : `p${percent}`
}

/** Stores passages `from` to `to`: beyond the sample, each is put together from two of its passages. */
export async function storePassages(
  db: Database,
  passages: readonly WikiText[],
  from: number,
  to: number,
): Promise<void> {
  await withBar(`storing passages to ${to}`, to - from, async (update) => {
    for (let start = from; start < to; start += 2000) {
      const end = Math.min(start + 2000, to)
      const items = Array.from({ length: end - start }, (_, at) => {
        const { id, text, embedding } = passage(passages, start + at)
        const tags = tagShares.filter((percent) => (start + at) % Math.round(100 / percent) === 0)
        return { id, text, embedding, tags: tags.map((percent) => `p${percent}`) }
      })
      await rememberMany(db, { items })
      update(end - from)
    }
  })
}

function passage(passages: readonly WikiText[], row: number): WikiText {
  const one = passages[row % passages.length] as WikiText
  if (row < passages.length) return one
  const other = passages[(row * 7919 + 13) % passages.length] as WikiText
  return {
    id: `${one.id}+${row}`,
    text: one.text,
    embedding: unit(one.embedding.map((value, axis) => 2 * value + (other.embedding[axis] ?? 0))),
  }
}
