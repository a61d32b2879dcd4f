-- Up to how many passing rows the exact scan over them is faster than the vector index.
--
-- The exact scan costs row_cost for each row that passes. The index costs base_cost for its graph, and visit_cost for each
-- row that it looks at until `wanted` of them have passed, which are wanted * all_rows / passing. They meet where
--   passing * row_cost = base_cost + visit_cost * wanted * all_rows / passing,
-- of which this is the solution. Costs in microseconds, measured at 10,000 to 200,000 rows (npm run bench -- vector):
-- 1.0 to 2.2 a row of 384 dimensions, 2.0 to 6.5 milliseconds for the graph, 11 for a row that it looks at. A wrong cost
-- makes a search slower, and never its result wrong.
CREATE OR REPLACE FUNCTION exact_scan_limit(dimensions integer, all_rows float8, limit_rows integer)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  -- Long vectors lie out of line (store_embeddings_for), and are fetched in pieces of 2 KB.
  row_cost CONSTANT float8 := 1.2 + 0.0015 * dimensions + CASE WHEN dimensions > 768 THEN 4 ELSE 0 END;
  base_cost CONSTANT float8 := 2000 * (0.5 + dimensions / 768.0) * (greatest(all_rows, 1) / 10000) ^ 0.35;
  visit_cost CONSTANT float8 := 11;
  wanted CONSTANT float8 := greatest(2 * limit_rows, 40);
BEGIN
  -- A small table is always scanned: that is as fast, and exact.
  RETURN greatest(
    limit_rows,
    7200 / row_cost,
    (base_cost + sqrt(base_cost ^ 2 + 4 * row_cost * visit_cost * wanted * all_rows)) / (2 * row_cost)
  );
END
$$;
