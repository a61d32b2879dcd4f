import { expect, it } from 'vitest'
import { mean, ndcg, recall, reciprocalRank } from './metrics.ts'

const judged = new Map([
  ['a', 1],
  ['b', 1],
  ['c', 2],
])

it('ndcg is 1 for the best order, less for any other, 0 for nothing found', () => {
  expect(ndcg(['c', 'a', 'b', 'x'], judged, 10)).toBe(1)
  expect(ndcg(['a', 'c', 'b'], judged, 10)).toBeCloseTo(
    (1 + 2 / Math.log2(3) + 0.5) / (2 + 1 / Math.log2(3) + 0.5),
  )
  expect(ndcg(['x', 'y'], judged, 10)).toBe(0)
  expect(ndcg(['x', 'a'], judged, 1)).toBe(0)
  expect(ndcg(['a'], new Map(), 10)).toBe(0)
})

it('the ideal counts all relevant documents, found or not, but no more than k', () => {
  expect(
    ndcg(
      ['a'],
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
      10,
    ),
  ).toBeCloseTo(1 / (1 + 1 / Math.log2(3)))
  expect(
    ndcg(
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
  expect(recall(['x', 'a', 'c'], judged, 2)).toBeCloseTo(1 / 3)
  expect(recall(['x', 'a', 'c'], judged, 3)).toBeCloseTo(2 / 3)
  expect(reciprocalRank(['x', 'a', 'c'], judged, 10)).toBe(0.5)
  expect(reciprocalRank(['x', 'a', 'c'], judged, 1)).toBe(0)
  expect(mean([])).toBe(0)
})
