-- One operator of filter.where on a column of memory_items, as SQL; type is text, real or timestamptz. Texts are ordered by
-- their bytes.
CREATE OR REPLACE FUNCTION column_comparison(field text, type text, operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := array_to_string(place[1:8], '.');
  expected CONSTANT text := CASE type WHEN 'real' THEN 'number' ELSE 'string' END;
  col CONSTANT text := format('m.%I', field);
  is_time CONSTANT boolean := type = 'timestamptz';
  given CONSTANT text := format(CASE WHEN is_time THEN 'utc_time($2 #>> %L)' ELSE '($2 #>> %L)::%s' END, place, type);
  list CONSTANT text := format(CASE WHEN is_time THEN 'ARRAY(SELECT utc_time(jsonb_array_elements_text($2 #> %L)))'
    ELSE 'ARRAY(SELECT jsonb_array_elements_text($2 #> %L)::%s)' END, place, type);
  bytewise CONSTANT text := CASE type WHEN 'text' THEN ' COLLATE "C"' ELSE '' END;
  one jsonb;
BEGIN
  IF operator = 'exists' THEN
    IF jsonb_typeof(value) <> 'boolean' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be true or false, got %s', shown, left(value::text, 60));
    END IF;
    RETURN format('(%s IS NOT NULL) = ($2 #>> %L)::boolean', col, place);
  END IF;
  IF operator IN ('in', 'not_in') AND jsonb_typeof(value) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be an array, got %s', shown, left(value::text, 60));
  END IF;
  FOR one IN SELECT element FROM jsonb_array_elements(CASE WHEN operator IN ('in', 'not_in') THEN value ELSE jsonb_build_array(value) END) AS element LOOP
    IF jsonb_typeof(one) <> expected THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be a %s, got %s', shown, expected, left(one::text, 60));
    END IF;
    IF is_time THEN
      PERFORM filter_time(jsonb_build_object(shown, one), shown);
    ELSIF type = 'real' AND NOT (one::numeric = 0 OR abs(one::numeric) BETWEEN 1e-37 AND 1e37) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.%s must be a number that a real can hold, got %s', shown, left(one::text, 60));
    END IF;
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN format('%s = %s', col, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', col, given)
    WHEN 'in' THEN format('%s = ANY (%s)', col, list)
    WHEN 'not_in' THEN format('(%s = ANY (%s)) IS NOT TRUE', col, list)
    ELSE format('%s%s %s %s', col, bytewise, CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END, given)
  END;
END
$$;
