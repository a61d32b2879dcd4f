/** What a search gives, as far as results are compared. */
export interface Hit {
  readonly id: string
  readonly score: number
}

/**
 * A statement that scores every row which matches `$1`, by the same expression as a search, and takes the best of them: what
 * bm25_search must give, and what its pruning saves.
 *
 * @param condition what else must hold for a row `m`, in SQL.
 */
export function everyMatch(k: string, condition: string): string {
  return `
    SELECT scored.id, scored.score
    FROM bm25_query($1::text, NULL, '{}', '{"fuzzy": false}') AS query
    CROSS JOIN LATERAL bm25_score_rows(query, ARRAY(
      SELECT m.id FROM memory_items AS m WHERE m.search_vector @@ lexeme_query(query.words) AND ${condition}
    )) AS scored
    ORDER BY scored.score DESC, scored.id COLLATE "C" LIMIT ${k}`
}

/** Whether two results have the same scores to 1e-9: among rows that tie within that, ids may differ. */
export function hasSameScores(found: readonly Hit[] = [], wanted: readonly Hit[] = []): boolean {
  return (
    found.length === wanted.length &&
    found.every((hit, at) => Math.abs(hit.score - (wanted[at]?.score ?? Number.NaN)) < 1e-9)
  )
}
