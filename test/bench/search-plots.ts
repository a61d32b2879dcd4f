import { page } from './plot.ts'
import type { Method, SearchResults } from './search.ts'

const methods: Method[] = ['bm25_search', 'ts_rank', 'ts_rank_cd', 'every match', 'fts5']

/** Mean times by the share of rows that a filter lets pass: a chart for each kind of query and size. */
export function searchPlots({ measurements }: SearchResults): string {
  const sizes = [...new Set(measurements.map(({ rows }) => rows))]
  const charts = sizes.flatMap((rows) =>
    (['short', 'questions'] as const).map((queries) => {
      const shown = measurements.filter((one) => one.rows === rows && one.queries === queries && one.k === 10)
      return {
        kind: 'bars' as const,
        title: `${rows.toLocaleString('en')} rows, ${queries === 'short' ? '1 to 3 words' : 'whole questions'}`,
        y: { label: 'mean ms for the best 10', log: true },
        groups: shown.map(({ percent }) => (percent === 100 ? 'no filter' : `${percent} % pass`)),
        series: methods
          .filter((method) => shown.some((one) => one.latency[method]))
          .map((name) => ({ name, values: shown.map((one) => one.latency[name]?.mean) })),
      }
    }),
  )
  return page('Keyword search', charts)
}
