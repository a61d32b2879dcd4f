-- filter.where as SQL over memory_items (alias m), whose values are taken from $2, the filter, by their place in it. A
-- node is an object; all of its entries must hold:
--   and, or: an array of nodes · not: a node
--   a column: {operator: value, …}. Columns: id, namespace, speaker_id, document_id, superseded_by, importance, created_at,
--     updated_at, expires_at, valid_from, valid_to, tags
--   "metadata.a.b": {operator: value, …}, or "path": ["a", "b"] beside the operators, for keys that have a dot
-- What is not known is refused, never compared with. A row without the value meets ne, not_in and exists: false, and no
-- other operator; not is the complement of its node.
CREATE OR REPLACE FUNCTION where_condition(
  node jsonb, place text[], depth integer, INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  most_conditions CONSTANT integer := 1000;
  deepest CONSTANT integer := 32;
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  conditions text[] := '{}';
  parts text[];
  entry record;
  part record;
  inner_part record;
BEGIN
  IF depth > deepest THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.where may be nested %s deep, got more', deepest);
  END IF;
  IF jsonb_typeof(node) IS DISTINCT FROM 'object' OR node = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with a condition, got %s', shown, COALESCE(left(node::text, 60), 'nothing'));
  END IF;
  IF node ? 'path' THEN
    SELECT * INTO part FROM where_field_condition(NULL, node, place, count);
    count := part.count;
    condition := '(' || part.condition || ')';
    RETURN;
  END IF;

  FOR entry IN SELECT given.key, given.value FROM jsonb_each(node) AS given LOOP
    IF entry.key IN ('and', 'or') THEN
      IF jsonb_typeof(entry.value) <> 'array' OR entry.value = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
          MESSAGE = format('%s.%s must be an array of conditions, got %s', shown, entry.key, left(entry.value::text, 60));
      END IF;
      parts := '{}';
      FOR part IN SELECT each.value, each.number FROM jsonb_array_elements(entry.value) WITH ORDINALITY AS each (value, number) LOOP
        SELECT * INTO inner_part
        FROM where_condition(part.value, place || entry.key || (part.number - 1)::text, depth + 1, count);
        count := inner_part.count;
        parts := parts || inner_part.condition;
      END LOOP;
      conditions := conditions || ('(' || array_to_string(parts, CASE entry.key WHEN 'and' THEN ' AND ' ELSE ' OR ' END) || ')');
    ELSIF entry.key = 'not' THEN
      SELECT * INTO inner_part FROM where_condition(entry.value, place || entry.key, depth + 1, count);
      count := inner_part.count;
      conditions := conditions || ('((' || inner_part.condition || ') IS NOT TRUE)');
    ELSE
      SELECT * INTO inner_part FROM where_field_condition(entry.key, entry.value, place || entry.key, count);
      count := inner_part.count;
      conditions := conditions || inner_part.condition;
    END IF;
    IF count > most_conditions THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.where may have %s conditions, got more', most_conditions);
    END IF;
  END LOOP;
  condition := '(' || array_to_string(conditions, ' AND ') || ')';
END
$$;
