-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). The last four parameters are vector_index's. It may return fewer than
-- limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted, and 40 at least, are taken and ordered anew by
-- the full ones. The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour
-- that comes up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are
-- for a recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  model integer, dimensions integer, method text, lists integer
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  -- The planner must not sort what the index gives in order.
  names constant text[] := ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit'] || CASE method
    WHEN 'hnsw' THEN ARRAY['hnsw.iterative_scan', 'hnsw.ef_search']
    ELSE ARRAY['ivfflat.iterative_scan', 'ivfflat.probes']
  END;
  values constant text[] := ARRAY['off', 'off', 'off', 'off', 'relaxed_order', CASE method
    WHEN 'hnsw' THEN least(1000, greatest(400, 2 * limit_rows))
    ELSE least(lists, ceil((3 + log(limit_rows::float8)) * sqrt(lists)))
  END::text];
  before constant text[] := ARRAY(
    SELECT current_setting(setting.name) FROM unnest(names) WITH ORDINALITY AS setting (name, place) ORDER BY setting.place
  );
BEGIN
  -- Local to the transaction, and put back below; an error rolls them back.
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, values) AS setting (name, value);
  RETURN QUERY EXECUTE format(
    $query$
      WITH nearest AS MATERIALIZED (
        SELECT m.id, %1$s AS embedding
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %3$s
        ORDER BY (l2_normalize(%1$s)::halfvec(%2$s)) <=> $4::halfvec(%2$s)
        LIMIT greatest(2 * $5, 40)
      )
      SELECT nearest.id, 1 - (nearest.embedding <=> $4) AS similarity
      FROM nearest
      ORDER BY similarity DESC, nearest.id COLLATE "C"
      LIMIT $5
    $query$,
    embedding_expression(model), dimensions, condition
  )
  USING query_tags, filter, required, query, limit_rows;
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, before) AS setting (name, value);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: a vector of the current model, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity), and
--   filter.model: the name of the model that made query_embedding, which is refused if another is the current one
--   filter.min_score: the least similarity that a row must have, -1 to 1
CREATE OR REPLACE FUNCTION vector_search(
  query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  ids text[];
  similarities float8[];
  sought integer := k;
  min_score float8;
BEGIN
  IF query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('vector_search: query_embedding must be a vector of %s dimensions, got null',
        (current_embedding_model()).dimensions);
  END IF;
  PERFORM check_query_embedding('vector_search', query_embedding, filter);
  PERFORM check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  min_score := COALESCE(check_min_score(filter, -1, 1), '-Infinity');
  filter := filter - 'min_score';

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN memory_items AS m ON m.id = hit.id
      WHERE hit.similarity >= min_score
      ORDER BY hit.similarity DESC, hit.id COLLATE "C";
    RETURN;
  END IF;

  PERFORM check_cursor(filter);
  LOOP
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO ids, similarities
    FROM vector_rows(query_embedding, NULL, condition, query_tags, sought, filter - 'after') AS hit;
    EXIT WHEN COALESCE(cardinality(ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(ids, similarities) AS hit (id, similarity)
               WHERE is_after(hit.similarity, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM unnest(ids, similarities) AS hit (id, similarity)
    JOIN memory_items AS m ON m.id = hit.id
    WHERE is_after(hit.similarity, hit.id, filter) AND hit.similarity >= min_score
    ORDER BY hit.similarity DESC, hit.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, model integer, dimensions integer, method text, lists integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_search(query_embedding vector, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
