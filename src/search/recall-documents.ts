import { sql } from 'drizzle-orm'
import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions } from '../database/options.ts'
import { readRows } from '../database/replicas.ts'
import { toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { namespacedId } from '../memory/memory-id.ts'
import type { HybridResult } from './hybrid-search.ts'
import { type RecallOptions, recall, recallKeys } from './recall.ts'
import { textArraySql } from './search-filter.ts'

/** The best part of a document, or a memory that is in none. */
export interface DocumentResult extends HybridResult {
  readonly documentId: string | null
  /** Which part of the document it is, from 0. */
  readonly documentPlace: number | null
}

/** The most that `filter.candidates` takes. */
const mostCandidates = 10_000

/**
 * Recalls as `recall` does, one result a document: its best part. k counts documents, and memories that are in none; the
 * ranking is read on until there are so many.
 *
 * @throws as `recall`; InvalidInputError for `filter.diversity` or `filter.after`.
 * @example
 * const documents = await recallDocuments(db, { question: 'How much leave do I have?', k: 3 })
 */
export async function recallDocuments(db: Database, options: RecallOptions): Promise<DocumentResult[]> {
  checkOptions(options, recallKeys)
  const k = checkedInteger(options.k, 'k', { from: 1, to: 1000, otherwise: 5 })
  const page = Math.min(1000, Math.max(50, 4 * k))
  // A long document may take all the places among the candidates, so there must be more of them until k are found.
  for (let candidates = Math.max(200, page); ; candidates *= 8) {
    const most = options.filter?.candidates ?? Math.min(candidates, mostCandidates)
    const { best, isComplete } = await readDocuments(db, options, { k, page, candidates: most })
    if (best.length >= k || isComplete || most === options.filter?.candidates || most === mostCandidates) {
      return best.slice(0, k)
    }
  }
}

/** Pages of a ranking of so many candidates, until k documents are found or it ends. */
async function readDocuments(
  db: Database,
  options: RecallOptions,
  { k, page, candidates }: { k: number; page: number; candidates: number },
): Promise<{ best: DocumentResult[]; isComplete: boolean }> {
  const best = new Map<string, DocumentResult>()
  let read = 0
  for (let last: HybridResult | undefined; best.size < k; ) {
    const after = last === undefined ? {} : { after: { score: last.combinedScore, id: last.id } }
    const filter = { ...options.filter, candidates, ...after }
    const results = await recall(db, { ...options, k: page, filter })
    for (const result of await withDocuments(db, results)) {
      if (!best.has(result.document)) best.set(result.document, result.part)
    }
    read += results.length
    last = results.at(-1)
    if (results.length < page || last === undefined) break
  }
  // Each way of finding offers up to so many: fewer in all, and there were no others.
  return { best: [...best.values()], isComplete: read < candidates }
}

/** Each result with what tells its document from others: documents are named within their namespace. */
async function withDocuments(
  db: Database,
  results: readonly HybridResult[],
): Promise<{ document: string; part: DocumentResult }[]> {
  const ids = results.map((result) => result.id)
  const rows = await readRows(
    db,
    sql`
      SELECT id, namespace, document_id, document_place FROM ${api(db)}memory_items
      WHERE id = ANY (${textArraySql(ids, 'ids')}) AND document_id IS NOT NULL
    `,
  )
  const known = new Map(rows.map((row) => [String(row.id), row]))
  return results.map((result) => {
    const row = known.get(result.id)
    if (row === undefined) {
      return { document: `memory ${result.id}`, part: { ...result, documentId: null, documentPlace: null } }
    }
    const documentId = String(row.document_id)
    return {
      document: `document ${namespacedId(String(row.namespace), documentId)}`,
      part: { ...result, documentId, documentPlace: toNumber(row.document_place) },
    }
  })
}
