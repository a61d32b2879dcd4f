import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'

/**
 * Inserts `rows` memories m1, m2, … whose vectors lie about `clusters` centres, as real ones do, made by the server in
 * a second or two. Tags: `all`, and `p50`, `p10`, `p1` and `p01` (0.1 %) for the rows that so many percent pass.
 */
export async function insertClusters(db: Database, rows: number, clusters = 100): Promise<void> {
  await db.execute(sql`
    INSERT INTO public.memory_items (id, text, tags, embedding)
    SELECT 'm' || n, 'memory ' || n,
      ARRAY['all'] || CASE WHEN n % 2 = 0 THEN '{p50}'::text[] ELSE '{}' END
        || CASE WHEN n % 10 = 0 THEN '{p10}'::text[] ELSE '{}' END
        || CASE WHEN n % 100 = 0 THEN '{p1}'::text[] ELSE '{}' END
        || CASE WHEN n % 1000 = 0 THEN '{p01}'::text[] ELSE '{}' END,
      (
        SELECT array_agg(sin((n * 7919 % ${clusters}::integer + 1) * axis * 1.7) + 0.7 * sin((n + 1) * 0.37 * axis * axis) ORDER BY axis)
        FROM generate_series(1, 384) AS axis
      )::vector
    FROM generate_series(1, ${rows}::integer) AS n
  `)
  await db.execute(sql`ANALYZE public.memory_items`)
}
