import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { readCatalog } from '../../scripts/migrations/golden.ts'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import { ConflictError, DatabaseError, InvalidInputError } from '../../src/index.ts'
import { indexName, newIndexName, vectorIndexes } from '../../src/vector-index/catalog.ts'
import type { VectorIndexMethod } from '../../src/vector-index/plan.ts'
import type { VectorIndexProgress } from '../../src/vector-index/progress.ts'
import { type UseVectorIndexOptions, useVectorIndex } from '../../src/vector-index/use-vector-index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { insertClusters } from '../support/clusters.ts'
import { expectRefusal } from '../support/fixtures.ts'
import { installation } from '../support/installation.ts'

const names = async (db: Database) => [...(await vectorIndexes(db)).keys()].sort()
const indexOf = async (db: Database) => (await vectorIndexes(db)).get(indexName)

describeOnEachBackend('useVectorIndex', (test) => {
  let before = ''
  beforeAll(async () => {
    before = await readCatalog(test.db, installation)
    await insertClusters(test.db, 1000)
    await useVectorIndex(test.db, 'hnsw')
  })

  it('switches there and back, and leaves the catalog as the migrations made it', async () => {
    expect(await useVectorIndex(test.db, 'hnsw')).toMatchObject({ method: 'hnsw', built: false, m: 16 })

    const ivfflat = await useVectorIndex(test.db, 'ivfflat')
    expect(ivfflat).toMatchObject({ method: 'ivfflat', built: true, lists: 32, embeddings: 1000 })
    expect(ivfflat.bytes).toBeGreaterThan(500_000)
    expect(await indexOf(test.db)).toMatchObject({ method: 'ivfflat', valid: true, options: { lists: 32 } })
    expect(await useVectorIndex(test.db, 'ivfflat')).toMatchObject({ built: false })
    expect(await useVectorIndex(test.db, 'ivfflat', { rebuild: true })).toMatchObject({ built: true })

    expect(await useVectorIndex(test.db, 'none')).toMatchObject({ method: 'none', built: true, bytes: 0 })
    expect(await useVectorIndex(test.db, 'none')).toMatchObject({ built: false })
    expect(await names(test.db)).toEqual([])

    expect(await useVectorIndex(test.db, 'hnsw')).toMatchObject({ built: true, m: 16, efConstruction: 64 })
    expect(await readCatalog(test.db, installation)).toBe(before)
  })

  it('builds with the parameters that are given, and again only for others', async () => {
    expect(await useVectorIndex(test.db, 'hnsw', { m: 8, efConstruction: 32 })).toMatchObject({ m: 8 })
    expect(await useVectorIndex(test.db, 'hnsw', { m: 8, efConstruction: 32 })).toMatchObject({
      built: false,
    })
    expect((await indexOf(test.db))?.options).toEqual({ m: 8, ef_construction: 32 })
    expect(await useVectorIndex(test.db, 'hnsw', { m: 34 })).toMatchObject({ m: 34, efConstruction: 68 })
    expect(await useVectorIndex(test.db, 'ivfflat', { lists: 100 })).toMatchObject({ lists: 100 })
    // Not asked for by number, 100 lists are too many for 1000 rows.
    expect(await useVectorIndex(test.db, 'ivfflat')).toMatchObject({ built: true, lists: 32 })
    await useVectorIndex(test.db, 'hnsw')
    expect(await names(test.db)).toEqual([indexName])
  })

  it.each<[string, unknown, UseVectorIndexOptions, string[]]>([
    ['another method', 'annoy', {}, ['hnsw, ivfflat or none', 'annoy']],
    ['no method', undefined, {}, ['hnsw, ivfflat or none', 'undefined']],
    ['lists for HNSW', 'hnsw', { lists: 10 }, ['lists', 'ivfflat', 'hnsw']],
    ['m for IVFFlat', 'ivfflat', { m: 10 }, ['m is an option of hnsw']],
    ['no lists', 'ivfflat', { lists: 0 }, ['lists', '1 to 32768', 'got 0']],
    ['half a link', 'hnsw', { m: 2.5 }, ['m must be', '2 to 100', '2.5']],
    ['fewer candidates than links', 'hnsw', { m: 20, efConstruction: 30 }, ['efConstruction', '40 to 1000']],
    ['more lists than there is to learn from', 'ivfflat', { lists: 300 }, ['at least 3000', 'got 1000']],
  ])('refuses %s', async (_, method, options, parts) => {
    await expectRefusal(
      useVectorIndex(test.db, method as VectorIndexMethod, options),
      InvalidInputError,
      ...parts,
    )
    expect(await names(test.db)).toEqual([indexName])
  })

  it("builds inside a caller's transaction only at once, and rolls back with it", async () => {
    await expectRefusal(
      test.db.transaction((transaction) => useVectorIndex(transaction, 'none', { concurrently: true })),
      InvalidInputError,
      'transaction',
      'concurrently: false',
    )
    const rolledBack = test.db.transaction(async (transaction) => {
      const built = await useVectorIndex(transaction, 'ivfflat', { concurrently: false })
      expect(built).toMatchObject({ method: 'ivfflat', built: true })
      throw new Error('changed my mind')
    })
    await expect(rolledBack).rejects.toThrow('changed my mind')
    expect(await indexOf(test.db)).toMatchObject({ method: 'hnsw', valid: true })
    await useVectorIndex(test.db, 'ivfflat', { concurrently: false })
    expect(await indexOf(test.db)).toMatchObject({ method: 'ivfflat' })
    await useVectorIndex(test.db, 'hnsw', { concurrently: false })
    expect(await names(test.db)).toEqual([indexName])
  })
})

describeOnEachBackend('useVectorIndex on an empty table', (test) => {
  it('refuses IVFFlat, and makes HNSW', async () => {
    await expectRefusal(
      useVectorIndex(test.db, 'ivfflat'),
      InvalidInputError,
      'at least 1000',
      'got 0',
      'hnsw',
    )
    expect(await useVectorIndex(test.db, 'hnsw')).toMatchObject({ built: false, embeddings: 0 })
  })
})

describeOnServer('useVectorIndex among others', (server) => {
  beforeAll(() => insertClusters(server.db, 4000))
  beforeEach(async () => {
    await useVectorIndex(server.db, 'none')
  })

  /** The process that builds, as soon as it has come so far that its index is in the catalog. */
  async function builder(): Promise<number> {
    for (;;) {
      const [row] = await queryRows(
        server.db,
        sql`SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'building%' AND index_relid <> 0`,
      )
      if (row !== undefined) return Number(row.pid)
    }
  }

  it('shows progress, over a pool of one connection too', async () => {
    const seen: VectorIndexProgress[] = []
    const onProgress = (progress: VectorIndexProgress) => seen.push(progress)
    await useVectorIndex(server.db, 'hnsw', { onProgress })
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.some(({ phase }) => phase.startsWith('building index'))).toBe(true)
    for (const { done } of seen) expect(done === null || (done >= 0 && done <= 1)).toBe(true)

    const single = await server.connectAgain(1)
    seen.length = 0
    expect(await useVectorIndex(single.db, 'ivfflat', { onProgress })).toMatchObject({ built: true })
    expect(seen.length).toBeGreaterThan(0)
    expect(await names(server.db)).toEqual([indexName])
  })

  it('lets writers and searches go on', async () => {
    await useVectorIndex(server.db, 'ivfflat')
    const building = useVectorIndex(server.db, 'hnsw')
    await builder()
    await server.db.execute(sql`UPDATE memory_items SET importance = 1 WHERE id = 'm1'`)
    const [row] = await queryRows(server.db, sql`SELECT method FROM vector_index()`)
    expect(row?.method).toBe('ivfflat')
    expect(await building).toMatchObject({ method: 'hnsw', built: true })
  })

  it('recovers from a build that was ended, whatever it left', async () => {
    await useVectorIndex(server.db, 'ivfflat')
    const building = useVectorIndex(server.db, 'hnsw')
    const refused = expectRefusal(building, DatabaseError, 'before is still in use', 'again')
    await server.db.execute(sql`SELECT pg_terminate_backend(${await builder()}::integer)`)
    await refused
    const left = (await vectorIndexes(server.db)).get(newIndexName)
    expect(left).toMatchObject({ method: 'hnsw', valid: false })
    expect(await indexOf(server.db)).toMatchObject({ method: 'ivfflat', valid: true })

    expect(await useVectorIndex(server.db, 'hnsw')).toMatchObject({ method: 'hnsw', built: true })
    expect(await names(server.db)).toEqual([indexName])
  })

  it('takes up an index that was finished, but did not come into use any more', async () => {
    await useVectorIndex(server.db, 'ivfflat')
    await server.db.execute(sql.raw(`ALTER INDEX ${indexName} RENAME TO ${newIndexName}`))
    const started = performance.now()
    expect(await useVectorIndex(server.db, 'ivfflat')).toMatchObject({ method: 'ivfflat' })
    expect(performance.now() - started).toBeLessThan(1000)
    expect(await names(server.db)).toEqual([indexName])
  })

  it('does not disturb a build by another process', async () => {
    const other = await server.connectAgain()
    const single = await server.connectAgain(1)
    const building = useVectorIndex(server.db, 'hnsw')
    await builder()
    for (const method of ['hnsw', 'ivfflat', 'none'] as const) {
      await expectRefusal(useVectorIndex(other.db, method), ConflictError, 'another process')
      await expectRefusal(useVectorIndex(single.db, method), ConflictError, 'another process')
    }
    await expectRefusal(
      useVectorIndex(other.db, 'ivfflat', { concurrently: false }),
      ConflictError,
      'pg_terminate_backend',
    )
    expect(await building).toMatchObject({ method: 'hnsw', built: true })
  })

  it('lets one of several that begin at the same moment build, and refuses the others', async () => {
    const pools = await Promise.all([1, 2, 3, 4].map(() => server.connectAgain(3)))
    const outcomes = await Promise.allSettled(
      pools.map(({ db }, at) => useVectorIndex(db, at % 2 === 0 ? 'hnsw' : 'ivfflat')),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConflictError)
    }
    expect(await names(server.db)).toEqual([indexName])
    expect(await indexOf(server.db)).toMatchObject({ valid: true })
  })

  it('refuses who may not, and says so', async () => {
    await server.db.execute(sql`CREATE ROLE opa_reader_of_index`)
    try {
      const refused = server.db.transaction(async (transaction) => {
        await transaction.execute(
          sql`GRANT USAGE ON SCHEMA ${sql.identifier(installation.schema)} TO opa_reader_of_index`,
        )
        await transaction.execute(sql`GRANT SELECT, UPDATE ON memory_items TO opa_reader_of_index`)
        await transaction.execute(sql`SET LOCAL ROLE opa_reader_of_index`)
        await useVectorIndex(transaction, 'hnsw', { concurrently: false })
      })
      await expectRefusal(refused, DatabaseError, /must be owner|permission denied/)
    } finally {
      await server.db.execute(sql`DROP ROLE opa_reader_of_index`)
    }
  })
})
