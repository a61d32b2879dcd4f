import type { Database } from '../database/database.ts'
import type { Embedding } from '../embedding/embedding.ts'
import { InvalidInputError } from '../errors.ts'
import { vectorSearch } from '../search/vector-search.ts'

/** Another memory that means nearly the same. */
export interface NearDuplicate {
  readonly id: string
  readonly text: string
  /** 1 - cosine distance. */
  readonly similarity: number
}

/** Refuses a threshold that no cosine similarity could be compared with. */
export function checkSimilarity(value: unknown, name: string): void {
  if (value === undefined || (typeof value === 'number' && value >= -1 && value <= 1)) return
  throw new InvalidInputError(`${name} must be a similarity from -1 to 1, got ${String(value)}`)
}

/** The nearest memory of the namespace, other than the one itself, with a similarity above the threshold. */
export async function nearDuplicateOf(
  db: Database,
  { id, namespace, embedding }: { id: string; namespace: string; embedding: Embedding },
  above: number,
): Promise<NearDuplicate | null> {
  const nearest = await vectorSearch(db, { queryEmbedding: embedding, k: 2, filter: { namespace } })
  const other = nearest.find((row) => row.id !== id)
  if (other === undefined || other.similarity <= above) return null
  return { id: other.id, text: other.text, similarity: other.similarity }
}
