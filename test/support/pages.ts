import type { SearchCursor } from '../../src/index.ts'

/** Reads page after page, as a caller would, until one is short; `cursorOf` says what a row was found with. */
export async function pagesOf<T extends { readonly id: string }>(
  search: (after: { after: SearchCursor } | Record<string, never>) => Promise<T[]>,
  k: number,
  scoreOf: (row: T) => number,
): Promise<T[]> {
  const rows: T[] = []
  for (let page = await search({}); ; ) {
    rows.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < k) return rows
    if (rows.length > 10_000) throw new Error('the pages do not end')
    page = await search({ after: { score: scoreOf(last), id: last.id } })
  }
}
