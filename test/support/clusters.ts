import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { dimensions, ownDimensions } from './dimensions.ts'

/**
 * Inserts `rows` memories m1, m2, … whose vectors lie about 100 centres, as real ones lie about their subjects. The
 * server combines them from a few hundred random directions, thousands in a second. Tags: `all`, and `p50`, `p10`,
 * `p1` and `p01` (0.1 %) for the rows that so many percent pass. The vector index is dropped: build the one to try.
 */
export async function insertClusters(db: Database, rows: number): Promise<void> {
  await db.execute(sql`DROP INDEX IF EXISTS memory_items_embedding_idx`)
  await db.execute(sql`
    WITH direction AS MATERIALIZED (
      SELECT number, (
        SELECT array_agg(
          CASE WHEN axis <= ${ownDimensions}::integer THEN sin(number::float8 * 12.9898 + axis::float8 * number::float8 * 0.7) ELSE 0 END
          ORDER BY axis)
        FROM generate_series(1, ${dimensions}::integer) AS axis
      )::vector AS vector
      FROM generate_series(1, 300) AS number
    )
    INSERT INTO memory_items (id, text, tags, embedding)
    SELECT 'm' || n, 'memory ' || n,
      ARRAY['all'] || CASE WHEN n % 2 = 0 THEN '{p50}'::text[] ELSE '{}' END
        || CASE WHEN n % 10 = 0 THEN '{p10}'::text[] ELSE '{}' END
        || CASE WHEN n % 100 = 0 THEN '{p1}'::text[] ELSE '{}' END
        || CASE WHEN n % 1000 = 0 THEN '{p01}'::text[] ELSE '{}' END,
      centre.vector + one.vector * other.vector
    FROM generate_series(1, ${rows}::integer) AS n
    JOIN direction AS centre ON centre.number = 1 + n * 7919 % 100
    JOIN direction AS one ON one.number = 101 + n % 97
    JOIN direction AS other ON other.number = 201 + n % 89
  `)
  await db.execute(sql`ANALYZE memory_items`)
}
