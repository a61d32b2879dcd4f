-- The share of memory_items that a filter passes, and whether an index can find them: the planner's own estimate for
-- this very condition, which knows the commonest tags and namespaces and costs no reading.
-- Planning takes longer than many a search, so the session keeps what it was told for a minute, in one of 64 settings
-- that the filter's hash chooses. A hash, so that whoever uses the session next reads nobody's filter there. An old
-- estimate, or another filter's, can make a search slow and never wrong.
-- (VOLATILE only because EXPLAIN demands it.)
CREATE OR REPLACE FUNCTION estimate_filter(
  condition text, query_tags text[], filter jsonb, required tsquery, OUT share float8, OUT has_index boolean
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
DECLARE
  seconds_kept CONSTANT float8 := 60;
  asked CONSTANT bigint := hashtextextended(concat_ws(' ', condition, query_tags, filter - '{fuzzy,after}'::text[], required), 0);
  setting CONSTANT text := 'opa.filter_' || (asked & 63);
  moment CONSTANT float8 := extract(epoch FROM now());
  kept CONSTANT float8[] := string_to_array(nullif(current_setting(setting, true), ''), ' ');
  plan json;
  all_rows float8;
BEGIN
  IF kept[1] = asked AND moment - kept[2] BETWEEN 0 AND seconds_kept THEN
    share := kept[3];
    has_index := kept[4] = 1;
    RETURN;
  END IF;
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
  PERFORM set_config(setting, concat_ws(' ', asked::float8, moment, share, has_index::integer), false);
END
$$;
