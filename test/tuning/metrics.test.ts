import { expect, it } from 'vitest'
import { ndcgAt, recallAt, reciprocalRank } from '../../src/tuning/metrics.ts'

const judged = new Map([
  ['a', 1],
  ['b', 1],
  ['c', 2],
])

it('ndcg is 1 for the best order, less for any other, 0 for nothing found', () => {
  expect(ndcgAt(['c', 'a', 'b', 'x'], judged, 10)).toBe(1)
  expect(ndcgAt(['a', 'c', 'b'], judged, 10)).toBeCloseTo(
    (1 + 2 / Math.log2(3) + 0.5) / (2 + 1 / Math.log2(3) + 0.5),
  )
  expect(ndcgAt(['x', 'y'], judged, 10)).toBe(0)
  expect(ndcgAt(['x', 'a'], judged, 1)).toBe(0)
  expect(ndcgAt(['a'], new Map(), 10)).toBe(0)
})

it('the ideal counts all relevant documents, found or not, but no more than k', () => {
  expect(
    ndcgAt(
      ['a'],
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
      10,
    ),
  ).toBeCloseTo(1 / (1 + 1 / Math.log2(3)))
  expect(
    ndcgAt(
      ['a'],
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
      1,
    ),
  ).toBe(1)
})

it('recall and reciprocal rank look at the first k', () => {
  expect(recallAt(['x', 'a', 'c'], judged, 2)).toBeCloseTo(1 / 3)
  expect(recallAt(['x', 'a', 'c'], judged, 3)).toBeCloseTo(2 / 3)
  expect(reciprocalRank(['x', 'a', 'c'], judged)).toBe(0.5)
})
