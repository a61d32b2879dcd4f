import { describe, expect, it } from 'vitest'
import { describeOnEachBackend } from '../support/backends.ts'
import { dataDirectory, hasCollection, readCollection } from './collections.ts'
import { allowedDifference, differenceFromReference, evaluateCollection } from './evaluate.ts'

const directory = dataDirectory()
const smallest = 'med'

if (!hasCollection(directory, smallest)) {
  describe(`the collection ${smallest}`, () => {
    it.skip(`is not in ${directory}: set EVAL_DATA_DIR`, () => {})
  })
} else {
  describeOnEachBackend(`the collection ${smallest}`, (test) => {
    it('bm25_search scores what the reference does', { timeout: 240_000 }, async () => {
      const collection = { ...readCollection(directory, smallest), vectors: new Map() }
      const results = await evaluateCollection(test.db, collection)
      expect(Math.abs(differenceFromReference(collection, results))).toBeLessThanOrEqual(allowedDifference)
    })
  })
}
