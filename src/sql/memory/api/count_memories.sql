-- How many memories meet a filter: those that a search could return. query_tags and filter as in bm25_search, and
--   expired, superseded: true to count those that expired or were superseded as well
--
--   SELECT count_memories(filter => '{"namespace": "ana", "where": {"importance": {"gte": 0.7}}}');
CREATE OR REPLACE FUNCTION count_memories(query_tags text[] DEFAULT '{}', filter jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted bigint;
BEGIN
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  EXECUTE format('SELECT count(*) FROM memory_items AS m WHERE %s',
    memory_filter_condition(query_tags, filter, '{expired,superseded}'))
  INTO counted
  USING query_tags, filter;
  RETURN counted;
END
$$;
