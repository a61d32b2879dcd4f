-- any, all or none of filter.where.tags, as SQL. Of an empty list a row has all and none, and not any.
CREATE OR REPLACE FUNCTION tags_comparison(operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
  IF jsonb_typeof(value) <> 'array' OR jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', array_to_string(place[1:8], '.'), left(value::text, 60));
  END IF;
  RETURN format(
    CASE operator WHEN 'any' THEN 'm.tags && %1$s' WHEN 'all' THEN 'm.tags @> %1$s' ELSE 'NOT (m.tags && %1$s)' END,
    format('ARRAY(SELECT jsonb_array_elements_text($2 #> %L))', place)
  );
END
$$;
