-- How many memories a filter passes, expired and superseded ones if it says so, and how many entries of history they have.
CREATE OR REPLACE FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  EXECUTE format('SELECT count(*), COALESCE(sum((SELECT count(*) FROM memory_history AS kept WHERE kept.memory_id = m.id)), 0)'
    ' FROM memory_items AS m WHERE %s', memory_filter_condition('{}', filter, '{expired,superseded}'))
  INTO memories, history_entries
  USING '{}'::text[], filter;
END
$$;
