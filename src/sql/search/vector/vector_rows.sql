-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete. How many pass is
-- the planner's estimate, which costs nothing; if it was far too low, the exact scan notices and the index is asked.
CREATE OR REPLACE FUNCTION vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  narrowed constant text := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;
  index constant record := vector_index();
  expression constant text := embedding_expression(index.model);
  few constant bigint := exact_scan_limit(index.dimensions, index.row_estimate, limit_rows);
  passing float8 := index.row_estimate;
  scanned bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;

  IF index.method IS NOT NULL THEN
    IF is_isolated THEN
      EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE (%s) IS NOT NULL AND %s LIMIT $4) AS passing',
        expression, narrowed
      )
      INTO passing
      USING query_tags, filter, required, few + 1;
    ELSIF required IS NOT NULL OR query_tags <> '{}' OR filter - 'fuzzy' <> '{}' THEN
      passing := passing * (estimate_filter(condition, query_tags, filter, required)).share;
    END IF;

    IF passing <= few THEN
      EXECUTE format(
        $query$
          WITH passing AS MATERIALIZED (
            SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
            FROM memory_items AS m
            WHERE (%1$s) IS NOT NULL AND %2$s
            LIMIT $6
          )
          SELECT array_agg(best.id ORDER BY best.similarity DESC, best.id COLLATE "C"),
            array_agg(best.similarity ORDER BY best.similarity DESC, best.id COLLATE "C"),
            (SELECT count(*) FROM passing)
          FROM (SELECT * FROM passing ORDER BY similarity DESC, id COLLATE "C" LIMIT $5) AS best
        $query$,
        expression, narrowed
      )
      INTO ids, similarities, scanned
      USING query_tags, filter, required, query, limit_rows, 2 * few;
      passing := scanned;
    END IF;
    IF scanned IS NULL OR scanned = 2 * few THEN
      SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
      FROM vector_index_rows(query, required, narrowed, query_tags, limit_rows, filter,
        index.model, index.dimensions, index.method, index.lists) AS nearest;
      scanned := CASE WHEN cardinality(ids) = limit_rows THEN 0 END;
    END IF;
  END IF;

  IF scanned IS NULL THEN
    RETURN QUERY EXECUTE format(
      $query$
        SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %2$s
        ORDER BY similarity DESC, m.id COLLATE "C"
        LIMIT $5
      $query$,
      expression, narrowed
    )
    USING query_tags, filter, required, query, limit_rows;
  ELSE
    RETURN QUERY SELECT * FROM unnest(ids, similarities);
  END IF;
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', seqscan_before, true);
  END IF;
END
$$;
