import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { InvalidInputError } from '../../src/index.ts'
import { vectorIndexAdvice } from '../../src/vector-index/advice.ts'
import { type VectorIndexHealth, vectorIndexHealth } from '../../src/vector-index/health.ts'
import { useVectorIndex } from '../../src/vector-index/use-vector-index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { insertClusters } from '../support/clusters.ts'
import { expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('vectorIndexHealth', (test) => {
  it('has nothing to say about an empty table', async () => {
    expect(await vectorIndexHealth(test.db)).toMatchObject({
      ...{ method: 'hnsw', valid: true, rows: 0, embeddings: 0, recall: null, sampled: 0, advice: [] },
    })
  })

  describe('with rows', () => {
    beforeAll(() => insertClusters(test.db, 1500))

    it('measures an HNSW index', async () => {
      await useVectorIndex(test.db, 'hnsw')
      const progress: [number, number][] = []
      const health = await vectorIndexHealth(test.db, {
        sample: 5,
        k: 3,
        onProgress: (done, total) => progress.push([done, total]),
      })
      expect(health).toMatchObject({
        method: 'hnsw',
        valid: true,
        m: 16,
        rows: 1500,
        embeddings: 1500,
        sampled: 5,
      })
      expect(health.estimatedRows).toBe(1500)
      expect(health.bytes).toBeGreaterThan(1_000_000)
      expect(health.recall).toBeGreaterThanOrEqual(0.9)
      expect(health.recall).toBeLessThanOrEqual(1)
      expect(health.advice).toEqual([])
      expect(progress).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]))
    })

    it('measures an IVFFlat index, and says when the table has outgrown it', async () => {
      await useVectorIndex(test.db, 'ivfflat')
      // Lists are learned by chance and find 98 or 99 %: five rows say 94 now and then, sixty do not.
      expect(await vectorIndexHealth(test.db, { sample: 60 })).toMatchObject({
        lists: 39,
        advice: [],
      })
      await useVectorIndex(test.db, 'ivfflat', { lists: 100 })
      const { recall, advice } = await vectorIndexHealth(test.db, { sample: 5 })
      expect(recall).toBeGreaterThan(0)
      expect(advice.join()).toContain('100 lists')
    })

    it('counts what is embedded, and tells an index that is not valid or not there', async () => {
      await test.db.execute(sql`UPDATE memory_items SET embedding = NULL WHERE id LIKE '%0'`)
      await useVectorIndex(test.db, 'none')
      expect(await vectorIndexHealth(test.db)).toMatchObject({
        ...{ method: 'none', bytes: 0, recall: null, rows: 1500, embeddings: 1350, advice: [] },
      })
      await useVectorIndex(test.db, 'hnsw')
      await test.db.execute(
        sql`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'memory_items_embedding_idx'::regclass`,
      )
      const { valid, recall, advice } = await vectorIndexHealth(test.db)
      expect({ valid, recall }).toEqual({ valid: false, recall: null })
      expect(advice.join()).toContain("useVectorIndex(db, 'hnsw')")
      expect(await useVectorIndex(test.db, 'hnsw')).toMatchObject({ built: true })
      expect((await vectorIndexHealth(test.db, { sample: 2 })).advice).toEqual([])
    })
  })

  it('refuses a sample that cannot be', async () => {
    await expectRefusal(vectorIndexHealth(test.db, { sample: 0 }), InvalidInputError, 'sample', '1 to 1000')
    await expectRefusal(vectorIndexHealth(test.db, { k: 1.5 }), InvalidInputError, 'k must be', '1.5')
  })
})

describe('the advice on a vector index', () => {
  const healthy: Omit<VectorIndexHealth, 'advice'> = {
    ...{
      method: 'ivfflat',
      valid: true,
      lists: 316,
      rows: 100_000,
      embeddings: 100_000,
      estimatedRows: 99_000,
    },
    ...{ bytes: 1, recall: 0.99, sampled: 20, leftovers: [] },
  }

  it.each<[string, Partial<VectorIndexHealth>, string | null]>([
    ['nothing, when all is well', {}, null],
    ['building it, when many rows have none', { method: 'none', recall: null }, "useVectorIndex(db, 'hnsw')"],
    [
      'nothing, when few rows have none',
      { method: 'none', rows: 20_000, embeddings: 20_000, estimatedRows: 20_000, recall: null },
      null,
    ],
    ['more lists', { lists: 10 }, 'want about 316'],
    ['fewer lists', { lists: 1000 }, 'more than the rows ask for'],
    ['HNSW, while there is little to learn from', { embeddings: 500 }, 'too few to learn from'],
    ['learning anew, when recall is low', { recall: 0.5 }, 'rebuild: true'],
    ['more links, when recall is low', { method: 'hnsw', recall: 0.9 }, 'm: 32'],
    ['ANALYZE, when the rows were never counted', { estimatedRows: null }, 'ANALYZE'],
    ['ANALYZE, when the count is old', { estimatedRows: 1000 }, 'believes to have 1000'],
    [
      'to remove what was left',
      { leftovers: ['memory_items_embedding_idx_new'] },
      'memory_items_embedding_idx_new',
    ],
  ])('is %s', (_, state, words) => {
    const advice = vectorIndexAdvice({ ...healthy, ...state })
    if (words === null) expect(advice).toEqual([])
    else expect(advice.join('\n')).toContain(words)
  })
})
