-- The share of memory_items that a filter passes, and whether an index can find them: the planner's own estimate for
-- this very condition, which knows the commonest tags and namespaces and costs no reading.
-- (VOLATILE only because EXPLAIN demands it.)
CREATE OR REPLACE FUNCTION public.estimate_filter(
  condition text, query_tags text[], filter jsonb, required tsquery, OUT share float8, OUT has_index boolean
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
DECLARE
  plan json;
  all_rows float8;
BEGIN
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM public.memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'public.memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
END
$$;
