import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { queryRows, toNumber } from '../../src/database/rows.ts'
import { rememberMany, vectorSearch } from '../../src/index.ts'
import { useVectorIndex } from '../../src/vector-index/use-vector-index.ts'
import { readPassages, readQuestions, type WikiText, wikiFolder } from '../bench/wiki-corpus.ts'
import { describeOnServer } from '../support/backends.ts'
import { insertClusters } from '../support/clusters.ts'
import { embedding, idsOf } from '../support/fixtures.ts'

/** How often the work asked the vector index: the statistics views lag behind, a transaction's own counters do not. */
async function withIndexScans<T>(
  db: Database,
  work: (transaction: Database) => Promise<T>,
): Promise<{ result: T; scans: number }> {
  return db.transaction(async (transaction) => {
    const before = await indexScans(transaction)
    const result = await work(transaction)
    return { result, scans: (await indexScans(transaction)) - before }
  })
}

async function indexScans(db: Database): Promise<number> {
  const [row] = await queryRows(
    db,
    sql`SELECT pg_stat_get_xact_numscans('memory_items_embedding_idx'::regclass) AS scans`,
  )
  return toNumber(row?.scans)
}

describeOnServer('vector_search over an index', (server) => {
  const rows = 20_000
  const passing: Record<string, number> = {
    all: rows,
    p50: rows / 2,
    p10: rows / 10,
    p1: rows / 100,
    p01: rows / 1000,
  }

  beforeAll(async () => {
    await insertClusters(server.db, rows)
    // Some rows expired, some without a vector: the index knows nothing of either.
    await server.db.execute(
      sql`UPDATE memory_items SET expires_at = now() - interval '1 day' WHERE id LIKE '%7'`,
    )
    await server.db.execute(sql`UPDATE memory_items SET embedding = NULL WHERE id LIKE '%9'`)
  })

  describe.each(['hnsw', 'ivfflat'] as const)('%s', (method) => {
    beforeAll(async () => {
      await useVectorIndex(server.db, method, method === 'ivfflat' ? { lists: 40 } : {})
      await server.db.execute(sql`ANALYZE memory_items`)
    })

    it('asks the index where many rows pass, and reads them all where few do', async () => {
      for (const [tag, count] of Object.entries(passing)) {
        const { result, scans } = await withIndexScans(server.db, (db) =>
          vectorSearch(db, { queryEmbedding: embedding(5), queryTags: [tag] }),
        )
        expect(result.length).toBeGreaterThan(0)
        expect(scans > 0, `${tag}: ${count} rows pass`).toBe(count > 4000)
      }
    })

    it('gives k rows whenever k match, whatever the filter', async () => {
      let asked = 0
      const search = fc.record({
        seed: fc.integer({ min: 1, max: 1_000_000 }),
        k: fc.oneof(
          { weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 1000 }) },
        ),
        tags: fc.oneof(fc.constantFrom([], ['all'], ['p50']), fc.subarray([...Object.keys(passing), 'none'])),
        allTags: fc.boolean(),
        // Only m1, m2 and so on up to this: a filter that has nothing to do with the vectors.
        ids: fc.option(fc.integer({ min: 0, max: rows }), { nil: undefined }),
        near: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(search, async ({ seed, k, tags, allTags, ids, near }) => {
          const filter = {
            allTags,
            ...(ids !== undefined && { ids: Array.from({ length: ids }, (_, at) => `m${at + 1}`) }),
          }
          const [match] = await queryRows(
            server.db,
            sql`
              SELECT count(*) AS matching FROM memory_items
              WHERE embedding IS NOT NULL AND (expires_at IS NULL OR expires_at > now())
                AND CASE WHEN ${tags.length}::integer = 0 THEN true WHEN ${allTags}::boolean
                  THEN tags @> string_to_array(${tags.join(',')}, ',') ELSE tags && string_to_array(${tags.join(',')}, ',') END
                AND (${ids ?? null}::integer IS NULL OR substr(id, 2)::integer <= ${ids ?? null}::integer)
            `,
          )
          const queryEmbedding = near ? await storedVector(seed % rows) : embedding(seed)
          const { result, scans } = await withIndexScans(server.db, (db) =>
            vectorSearch(db, { queryEmbedding, queryTags: tags, k, filter }),
          )
          asked += scans
          expect(result).toHaveLength(Math.min(k, toNumber(match?.matching)))
          expect(new Set(idsOf(result)).size).toBe(result.length)
          const similarities = result.map((row) => row.similarity)
          expect(similarities).toEqual([...similarities].sort((one, other) => other - one))
        }),
        { numRuns: 60 },
      )
      expect(asked).toBeGreaterThan(10)
    })
  })

  /** A vector that lies among the stored ones. */
  async function storedVector(number: number): Promise<number[]> {
    const [row] = await queryRows(
      server.db,
      sql`SELECT embedding::text AS vector FROM memory_items WHERE embedding IS NOT NULL ORDER BY id OFFSET ${number % 8000}::integer LIMIT 1`,
    )
    return JSON.parse(String(row?.vector)) as number[]
  }
})

const folder = wikiFolder()
if (folder === null) {
  console.warn(
    '\nThe recall tests are skipped: the Wikipedia sample is not there (EVAL_DATA_DIR says where)\n',
  )
}

describe.skipIf(folder === null)('on real vectors', () => {
  describeOnServer('recall', (server) => {
    const rows = 10_000
    const k = 10
    const shares = [0.1, 1, 10, 50, 100]
    let passages: WikiText[] = []
    let questions: WikiText[] = []

    beforeAll(async () => {
      passages = readPassages(folder ?? '').slice(0, rows)
      questions = readQuestions(folder ?? '').slice(0, 40)
      await useVectorIndex(server.db, 'none')
      await rememberMany(server.db, {
        items: passages.map(({ id, embedding }, at) => ({
          id,
          text: id,
          embedding,
          tags: shares.filter((share) => at % Math.round(100 / share) === 0).map((share) => `p${share}`),
        })),
        batchSize: 2000,
      })
      await server.db.execute(sql`ANALYZE memory_items`)
    })

    it.each(['hnsw', 'ivfflat'] as const)(
      'is at least 0.98 at 10 over %s, whatever share passes',
      async (method) => {
        await useVectorIndex(server.db, method)
        for (const share of shares) {
          let found = 0
          let wanted = 0
          let asked = 0
          for (const question of questions) {
            const nearest = exactNearest(question, share)
            const { result, scans } = await withIndexScans(server.db, (db) =>
              vectorSearch(db, { queryEmbedding: question.embedding, queryTags: [`p${share}`], k }),
            )
            expect(result).toHaveLength(nearest.size)
            found += idsOf(result).filter((id) => nearest.has(id)).length
            wanted += nearest.size
            asked += scans
          }
          expect(found / wanted, `${share} % pass`).toBeGreaterThanOrEqual(0.98)
          if (share >= 50) expect(asked).toBe(questions.length)
        }
      },
    )

    function exactNearest({ embedding: query }: WikiText, share: number): Set<string> {
      const every = Math.round(100 / share)
      const similarity = (vector: Float32Array) =>
        vector.reduce((sum, value, axis) => sum + value * (query[axis] ?? 0), 0)
      const scored = passages
        .filter((_, at) => at % every === 0)
        .map(({ id, embedding: vector }) => ({ id, score: similarity(vector) }))
        .sort((one, other) => other.score - one.score)
      return new Set(idsOf(scored.slice(0, k)))
    }
  })
})
