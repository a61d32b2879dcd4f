-- The memories that meet a filter, the newest first, without a query. query_tags and filter as in bm25_search, and
--   expired, superseded: true to list those that expired or were superseded as well
--   after: {"created_at": timestamp, "id": id} of the last row of the page before
-- k: 1 to 1001
--
--   SELECT * FROM list_memories(filter => '{"namespace": "ana", "where": {"tags": {"none": ["draft"]}}}', k => 50);
CREATE OR REPLACE FUNCTION list_memories(query_tags text[] DEFAULT '{}', k integer DEFAULT 50, filter jsonb DEFAULT '{}')
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 50
AS $$
#variable_conflict use_column
DECLARE
  condition text;
BEGIN
  IF k NOT BETWEEN 1 AND 1001 OR k IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_memories: k must be from 1 to 1001, got %s', COALESCE(k::text, 'null'));
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{expired,superseded,after}');
  IF filter ? 'after' THEN
    IF jsonb_typeof(filter -> 'after') <> 'object' OR jsonb_typeof(filter #> '{after,id}') IS DISTINCT FROM 'string' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.after must be {"created_at": time, "id": string} of the last row before, got %s',
          left((filter -> 'after')::text, 60));
    END IF;
    PERFORM filter_time(jsonb_build_object('after.created_at', COALESCE(filter #> '{after,created_at}', '""')), 'after.created_at');
    condition := condition || ' AND (m.created_at, m.id) < (utc_time($2 #>> ''{after,created_at}''), $2 #>> ''{after,id}'')';
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT m.id, m.text, m.tags, m.created_at FROM memory_items AS m WHERE %s ORDER BY m.created_at DESC, m.id DESC LIMIT $3',
    condition
  ) USING query_tags, filter, k;
END
$$;
