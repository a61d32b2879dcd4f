import { describe, expect, it } from 'vitest'
import { chooseFusion, type TunedMethod } from '../../src/tuning/choose-fusion.ts'

const trial = (method: TunedMethod, scores: readonly number[]) => ({
  method,
  fusion: method === 'rrf' ? ('rrf' as const) : ('convex' as const),
  bm25Weight: 0.5,
  vectorWeight: 0.5,
  scores,
})

const places = Array.from({ length: 10 }, (_, at) => at)
const even = places.map(() => 0.5)
/** Better on average by 0.02, by luck: one query decides. The mean is 1 standard error above. */
const lucky = places.map((at) => (at === 0 ? 0.7 : 0.5))
/** Better by 0.02 on every query, a little more on some. */
const better = places.map((at) => 0.52 + at / 10_000)
const worse = places.map((at) => 0.3 + at / 10_000)

describe('the choice of a fusion', () => {
  it('does not take luck for merit', () => {
    const chosen = chooseFusion([trial('bm25', even), trial('vector', worse), trial('rrf', lucky)], places)
    expect(chosen.method).toBe('bm25')
  })

  it('takes what is surely better', () => {
    const chosen = chooseFusion([trial('bm25', even), trial('vector', worse), trial('rrf', better)], places)
    expect(chosen.method).toBe('rrf')
  })

  it('asks 1.645 standard errors of it, neither less nor more', () => {
    // Differences of mean 0.01 whose standard error is set so that the mean is 1.6 or 1.7 of it.
    const withRatio = (ratio: number) => {
      const spread = (0.01 / ratio) * Math.sqrt(9)
      return places.map((at) => 0.5 + 0.01 + (at % 2 ? spread : -spread))
    }
    const chosen = (scores: number[]) =>
      chooseFusion([trial('bm25', even), trial('vector', worse), trial('rrf', scores)], places).method
    expect(chosen(withRatio(1.6))).toBe('bm25')
    expect(chosen(withRatio(1.7))).toBe('rrf')
  })
})
