-- One operator of filter.where on a path into metadata, as SQL. eq and in ask for containment as well, which the GIN index
-- on metadata answers; not where an element of the path could be the index of an array, which containment has no word for.
-- Order is asked only among values of one type: a number is neither below nor above a string.
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
  -- The value at the end of the path, in an object for each key before it.
  nested text := CASE operator WHEN 'in' THEN 'one.value' ELSE given END;
BEGIN
  IF operator IN ('in', 'not_in') AND came <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be an array, got %s', shown, left(value::text, 60));
  ELSIF operator IN ('gt', 'gte', 'lt', 'lte') AND came NOT IN ('number', 'string') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a number or a string, got %s', shown, left(value::text, 60));
  ELSIF operator = 'exists' AND came <> 'boolean' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be true or false, got %s', shown, left(value::text, 60));
  END IF;
  FOR at IN REVERSE cardinality(path) .. 1 LOOP
    nested := format('jsonb_build_object(%L, %s)', path[at], nested);
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN
      CASE WHEN is_indexed THEN format('m.metadata @> %s AND ', nested) ELSE '' END || format('%s = %s', found, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', found, given)
    WHEN 'in' THEN
      CASE WHEN is_indexed THEN
        format('m.metadata @> ANY (ARRAY(SELECT %s FROM jsonb_array_elements(%s) AS one)) AND ', nested, given)
      ELSE '' END || format('%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))', found, given)
    WHEN 'not_in' THEN format('(%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))) IS NOT TRUE', found, given)
    WHEN 'contains' THEN format('%s @> %s', found, given)
    WHEN 'exists' THEN format('(%s IS NOT NULL) = %s::boolean', found, given)
    ELSE format('(jsonb_typeof(%1$s) = jsonb_typeof(%2$s) AND %1$s %3$s %2$s)', found, given,
      CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END)
  END;
END
$$;
