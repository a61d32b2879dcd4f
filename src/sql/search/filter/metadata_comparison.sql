-- One operator of filter.where on a path into metadata, as SQL. eq and in ask for containment, which the GIN index on metadata
-- answers; not where an element of the path could be the index of an array, which containment has no word for. Of a string, a
-- number, a boolean or null it is equality; of anything else equality is asked for as well.
-- Order is asked only among values of one type: a number is neither below nor above a string.
--
-- Written so that the planner, whose estimate bm25_find and vector_search choose by, is not misled: jsonb_set is immutable, so
-- that what is contained is looked up in the statistics (jsonb_build_object is not: one in 4,000 instead of one in 20), and CASE
-- counts as a half, where two conditions that nothing is known of make one in 600.
CREATE OR REPLACE FUNCTION metadata_comparison(path text[], operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  given CONSTANT text := format('($2 #> %L)', place);
  found CONSTANT text := format('(m.metadata #> %L)', path);
  is_indexed CONSTANT boolean := NOT EXISTS (SELECT FROM unnest(path) AS key WHERE key ~ '^-?\d+$');
  came CONSTANT text := jsonb_typeof(value);
  frame CONSTANT jsonb := (
    SELECT (string_agg('{' || to_json(key) || ':', '' ORDER BY place) || 'null' || repeat('}', count(*)::integer))::jsonb
    FROM unnest(path) WITH ORDINALITY AS step (key, place)
  );
  -- The value at the end of the path is put into an object for each key before it.
  -- A pattern for format(), in which a percent sign of a key is doubled.
  nested CONSTANT text := replace(format('jsonb_set(%L::jsonb, %L, ', frame, path), '%', '%%') || '%s)';
  is_scalar CONSTANT boolean := came NOT IN ('object', 'array')
    OR operator = 'in' AND came = 'array' AND NOT jsonb_path_exists(value, 'strict $[*] ? (@.type() == "object" || @.type() == "array")');
  -- So many values are written out, so that their number is known.
  most_listed CONSTANT integer := 16;
  contained text;
BEGIN
  IF operator IN ('in', 'not_in') AND came <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be an array, got %s', shown, left(value::text, 60));
  ELSIF operator IN ('gt', 'gte', 'lt', 'lte') AND came NOT IN ('number', 'string') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a number or a string, got %s', shown, left(value::text, 60));
  ELSIF operator = 'exists' AND came <> 'boolean' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be true or false, got %s', shown, left(value::text, 60));
  END IF;
  IF is_indexed AND operator = 'eq' THEN
    contained := format('m.metadata @> ' || nested, given);
  ELSIF is_indexed AND operator = 'in' THEN
    contained := format('m.metadata @> ANY (ARRAY%s)', CASE WHEN jsonb_array_length(value) BETWEEN 1 AND most_listed THEN (
      SELECT '[' || string_agg(format(nested, format('(%s -> %s)', given, i)), ', ' ORDER BY i) || ']'
      FROM generate_series(0, jsonb_array_length(value) - 1) AS i
    ) ELSE format('(SELECT ' || nested || ' FROM jsonb_array_elements(%s) AS one)', 'one.value', given) END);
  END IF;
  RETURN CASE operator
    WHEN 'eq' THEN concat_ws(' AND ', contained, CASE WHEN contained IS NULL OR NOT is_scalar THEN format('%s = %s', found, given) END)
    WHEN 'in' THEN concat_ws(' AND ', contained,
      CASE WHEN contained IS NULL OR NOT is_scalar THEN format('%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))', found, given) END)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', found, given)
    WHEN 'not_in' THEN format('(%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))) IS NOT TRUE', found, given)
    WHEN 'contains' THEN format('%s @> %s', found, given)
    WHEN 'exists' THEN format('(%s IS NOT NULL) = %s::boolean', found, given)
    ELSE format('CASE WHEN jsonb_typeof(%1$s) = jsonb_typeof(%2$s) THEN %1$s %3$s %2$s ELSE false END', found, given,
      CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END)
  END;
END
$$;
