import { type SQL, sql } from 'drizzle-orm'
import { checkedInteger } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRow, queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { vectorIndexAdvice } from './advice.ts'
import { countEmbeddings, indexName, searchedEmbedding, vectorIndexes, vectorSchema } from './catalog.ts'
import { builtParameters, type VectorIndexMethod, type VectorIndexParameters } from './plan.ts'

export interface VectorIndexHealthOptions {
  /** Stored vectors to search by, 1 to 1000; 20 by default. Each is compared with every embedding once. */
  readonly sample?: number
  /** Neighbours of each, 1 to 100; 10 by default. */
  readonly k?: number
  readonly onProgress?: (done: number, total: number) => void
}

export interface VectorIndexHealth extends VectorIndexParameters {
  readonly method: VectorIndexMethod
  /** False if the building of the index was interrupted: searches do not use it. */
  readonly valid: boolean
  readonly rows: number
  readonly embeddings: number
  /** How many rows the database believes the table to have; null before the first ANALYZE. */
  readonly estimatedRows: number | null
  readonly bytes: number
  /** The share of the true k nearest that the index finds; null without an index or embeddings to try. */
  readonly recall: number | null
  /** Stored vectors that the recall was measured by. */
  readonly sampled: number
  /** Indexes that an interrupted switch or REINDEX left. */
  readonly leftovers: string[]
  /** What to do, in words; empty when all is well. */
  readonly advice: string[]
}

/**
 * Looks after the vector index: what it is, how large, how many of the true nearest neighbours it finds for a random
 * sample of the stored vectors, and what to do about it. Reads every embedding once for each vector of the sample.
 *
 * @example
 * const { recall, advice } = await vectorIndexHealth(db)
 */
export async function vectorIndexHealth(
  db: Database,
  options: VectorIndexHealthOptions = {},
): Promise<VectorIndexHealth> {
  checkOptions(options, {
    sample: true,
    k: true,
    onProgress: true,
  } satisfies OptionKeys<VectorIndexHealthOptions>)
  const sample = checkedInteger(options.sample, 'sample', { from: 1, to: 1000, otherwise: 20 })
  const k = checkedInteger(options.k, 'k', { from: 1, to: 100, otherwise: 10 })
  const indexes = await vectorIndexes(db)
  const current = indexes.get(indexName)
  const counts = await countEmbeddings(db)
  const [table] = await queryRows(
    db,
    sql`SELECT reltuples FROM pg_class WHERE oid = '${api(db)}memory_items'::regclass`,
  )
  const estimate = toNumber(table?.reltuples)
  const measured =
    current?.valid === true && counts.embeddings > 1
      ? await measureRecall(db, { sample, k, onProgress: options.onProgress })
      : { recall: null, sampled: 0 }
  const health = {
    method: current?.method ?? ('none' as const),
    valid: current?.valid ?? true,
    ...(current && builtParameters(current)),
    ...counts,
    estimatedRows: estimate < 0 ? null : estimate,
    bytes: current?.bytes ?? 0,
    ...measured,
    leftovers: [...indexes.keys()].filter((name) => name !== indexName),
  }
  return { ...health, advice: vectorIndexAdvice(health) }
}

interface RecallOptions {
  readonly sample: number
  readonly k: number
  readonly onProgress: VectorIndexHealthOptions['onProgress']
}

async function measureRecall(
  db: Database,
  { sample, k, onProgress }: RecallOptions,
): Promise<{ recall: number | null; sampled: number }> {
  const ids = await queryRows(
    db,
    sql`
      SELECT m.id FROM ${api(db)}memory_items AS m CROSS JOIN ${api(db)}embedding_model() AS searched
      WHERE ${searchedEmbedding} IS NOT NULL ORDER BY random() LIMIT ${sample}::integer
    `,
  )
  const vector = sql.raw(await vectorSchema(db))
  let found = 0
  let wanted = 0
  let done = 0
  for (const { id } of ids) {
    const row = await queryRow(db, neighboursOf(db, vector, String(id), k))
    found += toNumber(row.found)
    wanted += toNumber(row.wanted)
    done += 1
    onProgress?.(done, ids.length)
  }
  return { recall: wanted === 0 ? null : found / wanted, sampled: ids.length }
}

/**
 * How many of a row's k nearest there are, and how many of them the index finds. A row as near as the k-th of them
 * counts as found: which of several equal ones is named does not matter.
 */
function neighboursOf(db: Database, vector: SQL, id: string, k: number) {
  return sql`
    WITH query AS MATERIALIZED (
      SELECT ${vector}.l2_normalize(${searchedEmbedding}) AS vector, jsonb_build_object('id', m.id) AS filter
      FROM ${api(db)}memory_items AS m CROSS JOIN ${api(db)}embedding_model() AS searched
      WHERE m.id = ${id}::text AND ${searchedEmbedding} IS NOT NULL
    ),
    exact AS MATERIALIZED (
      SELECT 1 - (${searchedEmbedding} OPERATOR(${vector}.<=>) query.vector) AS similarity
      FROM query CROSS JOIN ${api(db)}memory_items AS m CROSS JOIN ${api(db)}embedding_model() AS searched
      WHERE ${searchedEmbedding} IS NOT NULL AND m.id <> ${id}::text
      ORDER BY similarity DESC
      LIMIT ${k}::integer
    )
    SELECT (SELECT count(*) FROM exact) AS wanted, count(nearest.similarity) AS found
    FROM query CROSS JOIN ${api(db)}vector_index() AS index
    LEFT JOIN LATERAL ${api(db)}vector_index_rows(
      query.vector, NULL, 'm.id <> ($2 ->> ''id'')', '{}', ${k}::integer, query.filter,
      index.model, index.dimensions, index.method, index.lists
    ) AS nearest ON nearest.similarity >= (SELECT min(similarity) FROM exact)
  `
}
