import type postgres from 'postgres'
import { type Latency, latency, printTable, timed } from './report.ts'

/** What the correction of misspelt words costs the queries that have a word which no row has. */
export interface CorrectionMeasurement {
  readonly rows: number
  readonly queries: 'short' | 'questions'
  readonly asked: number
  /** How many of them have such a word; the others cost the same with and without. */
  readonly misspelt: number
  readonly corrected: Latency | null
  readonly uncorrected: Latency | null
}

const search = (isFuzzy: boolean) =>
  `SELECT id, text, tags, created_at, score FROM bm25_search($1::text, '{}', 10, '{"fuzzy": ${isFuzzy}}')`

export async function measureCorrections(
  client: postgres.Sql,
  rows: number,
  texts: Readonly<Record<'short' | 'questions', readonly string[]>>,
): Promise<CorrectionMeasurement[]> {
  const measurements: CorrectionMeasurement[] = []
  for (const queries of ['short', 'questions'] as const) {
    const times: Record<'corrected' | 'uncorrected', number[]> = { corrected: [], uncorrected: [] }
    for (const text of texts[queries]) {
      const [row] = await client`
        SELECT corrections IS NOT NULL AS is_misspelt FROM bm25_query(${text}, memory_filter_condition('{}', '{}'), '{}', '{}')`
      if (!row?.is_misspelt) continue
      for (const kind of ['corrected', 'uncorrected'] as const) {
        const call = () => client.unsafe(search(kind === 'corrected'), [text], { prepare: true })
        await call()
        times[kind].push((await timed(call)).milliseconds)
      }
    }
    const misspelt = times.corrected.length
    measurements.push({
      rows,
      queries,
      asked: texts[queries].length,
      misspelt,
      corrected: misspelt > 0 ? latency(times.corrected) : null,
      uncorrected: misspelt > 0 ? latency(times.uncorrected) : null,
    })
  }
  return measurements
}

export function printCorrections(measurements: readonly CorrectionMeasurement[]): void {
  printTable(
    ['rows queries', 'asked', 'with an unknown word', 'ms corrected', 'ms as they are'],
    measurements.map(({ rows, queries, asked, misspelt, corrected, uncorrected }) => [
      `${rows} ${queries}`,
      asked,
      misspelt,
      corrected?.mean ?? '-',
      uncorrected?.mean ?? '-',
    ]),
  )
}
