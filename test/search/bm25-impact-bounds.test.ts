import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { describeOnEachBackend } from '../support/backends.ts'

/** Where layered_search_vector begins its layers, and the length that it reckons with. */
const thresholds = [1.4, 2.4, 4.5]
const referenceLength = 43

/** The most that any whole tf and length below a threshold give, as a share of idf. */
function mostBelow(threshold: number, averageLength: number): number {
  let most = 0
  for (let tf = 1; tf <= 255; tf++) {
    const longEnough = (referenceLength * (tf / threshold - 0.25)) / 0.75
    let length = Math.max(tf, Math.floor(longEnough) - 1)
    while (tf / (0.25 + (0.75 * length) / referenceLength) >= threshold) length++
    most = Math.max(most, (2.2 * tf) / (tf + 1.2 * (0.25 + (0.75 * length) / averageLength)))
  }
  return most
}

describeOnEachBackend('bm25_impact_bounds', (test) => {
  it('is above what any document below a layer can score, and little above, whatever the average length', async () => {
    for (const averageLength of [1, 2, 5, 10, 20, 34.27213, 42.9, 43, 43.1, 60, 100, 500, 16_000]) {
      const [row] = await queryRows(
        test.db,
        sql`SELECT bm25_impact_bounds(${averageLength}::float8)::text AS bounds`,
      )
      const bounds = JSON.parse(String(row?.bounds).replace('{', '[').replace('}', ']')) as number[]
      expect(bounds[3]).toBe(2.2)
      thresholds.forEach((threshold, layer) => {
        const most = mostBelow(threshold, averageLength)
        expect(bounds[layer]).toBeGreaterThanOrEqual(most)
        expect(bounds[layer]).toBeLessThan(most * 1.1)
      })
    }
  })
})
