import { type Chart, page, type Series } from './plot.ts'
import type { VectorMeasurement, VectorResults } from './vector.ts'

const label: Record<string, string> = {
  'vector_search hnsw': 'vector_search, HNSW',
  'vector_search ivfflat': 'vector_search, IVFFlat',
  'exact none': 'exact scan',
  'bare hnsw': 'pgvector as it comes, HNSW',
  'bare ivfflat': 'pgvector as it comes, IVFFlat',
}

/** Recall and time by the filter's selectivity, recall against time, and how both grow with the rows. */
export function vectorPlots({ queries, measurements, indexes }: VectorResults): string {
  const rows = Math.max(...measurements.map((one) => one.rows))
  const atLargest = measurements.filter((one) => one.rows === rows && one.k === 10)
  const filter = { label: 'rows that pass the filter (%)', log: true }
  const sizes = [...new Set(measurements.map((one) => one.rows))]
  const charts: Chart[] = [
    {
      kind: 'lines',
      title: 'Recall at 10',
      x: filter,
      y: { label: 'recall', from: 0, to: 1 },
      series: seriesOf(atLargest, (one) => [one.percent, one.recall]),
    },
    {
      kind: 'lines',
      title: 'Time of a search, k = 10',
      x: filter,
      y: { label: 'mean ms', log: true },
      series: seriesOf(atLargest, (one) => [one.percent, one.latency.mean]),
    },
    {
      kind: 'lines',
      title: 'Queries with fewer than k rows, k = 100',
      x: filter,
      y: { label: '% of the queries', from: 0, to: 100 },
      series: seriesOf(
        measurements.filter((one) => one.rows === rows && one.k === 100),
        (one) => [one.percent, (100 * one.short) / queries],
      ),
    },
    sizes.length > 1
      ? {
          kind: 'lines',
          title: 'Time without a filter, k = 10',
          x: { label: 'rows', log: true },
          y: { label: 'mean ms', log: true },
          series: seriesOf(
            measurements.filter((one) => one.percent === 100 && one.k === 10),
            (one) => [one.rows, one.latency.mean],
          ),
        }
      : {
          kind: 'bars',
          title: 'Building the index',
          y: { label: 'seconds' },
          groups: [`${rows} rows`],
          series: indexes.map(({ method, buildSeconds }) => ({
            name: label[`vector_search ${method}`] ?? method,
            values: [buildSeconds],
          })),
        },
  ]
  return page(`Vector search over ${rows.toLocaleString('en')} passages`, charts)
}

function seriesOf(
  measurements: readonly VectorMeasurement[],
  point: (one: VectorMeasurement) => [number, number],
): Series[] {
  return Object.entries(label).flatMap(([key, name]) => {
    const points = measurements.filter(({ search, method }) => `${search} ${method}` === key).map(point)
    return points.length === 0 ? [] : [{ name, points, dashed: key.startsWith('bare') }]
  })
}
