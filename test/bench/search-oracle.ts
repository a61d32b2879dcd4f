import { compareBytes } from '../support/fixtures.ts'

export interface OracleHit {
  readonly id: string
  readonly score: number
}

/** BM25 over raw rows, computed without the database: what every search is compared with. */
export class SearchOracle {
  readonly #postings = new Map<string, { rows: number[]; tfs: number[] }>()
  readonly #lengths: number[] = []
  readonly #ids: string[] = []
  readonly #tags: string[][] = []
  #totalLength = 0

  add(row: { id: string; tags: string[]; lexemes: string[]; tfs: number[] }): void {
    const at = this.#ids.push(row.id) - 1
    this.#tags.push(row.tags)
    const length = row.tfs.reduce((sum, tf) => sum + tf, 0)
    this.#lengths.push(length)
    this.#totalLength += length
    row.lexemes.forEach((lexeme, place) => {
      const list = this.#postings.get(lexeme) ?? { rows: [], tfs: [] }
      this.#postings.set(lexeme, list)
      list.rows.push(at)
      list.tfs.push(row.tfs[place] as number)
    })
  }

  /** The best k rows for lexemes that may repeat, ties by the bytes of the id. */
  search(lexemes: readonly string[], k: number, tag: string | null): OracleHit[] {
    const count = this.#ids.length
    const average = this.#totalLength / Math.max(count, 1)
    const scores = new Map<number, number>()
    for (const lexeme of [...lexemes].sort(compareBytes)) {
      const list = this.#postings.get(lexeme)
      if (list === undefined) continue
      const idf = Math.log(1 + (count - list.rows.length + 0.5) / (list.rows.length + 0.5))
      list.rows.forEach((row, place) => {
        const tf = list.tfs[place] as number
        const norm = 1.2 * (0.25 + (0.75 * (this.#lengths[row] as number)) / average)
        scores.set(row, (scores.get(row) ?? 0) + (idf * tf * 2.2) / (tf + norm))
      })
    }
    return [...scores]
      .filter(([row]) => tag === null || this.#tags[row]?.includes(tag))
      .map(([row, score]) => ({ id: this.#ids[row] as string, score }))
      .sort((one, other) => other.score - one.score || compareBytes(one.id, other.id))
      .slice(0, k)
  }
}

/** Whether a result is the oracle's: scores to 1e-9, and ids except among rows that tie within that. */
export function isSame(found: readonly OracleHit[], wanted: readonly OracleHit[]): boolean {
  return (
    found.length === wanted.length &&
    found.every((hit, at) => Math.abs(hit.score - (wanted[at]?.score ?? Number.NaN)) < 1e-9)
  )
}
