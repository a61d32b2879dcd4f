-- Refuses an array of a filter that has anything but strings in it.
CREATE OR REPLACE FUNCTION check_filter_texts(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  -- Strict, because a lax path would look into an array among the elements.
  IF jsonb_typeof(filter -> key) = 'array' AND jsonb_path_exists(filter -> key, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', key, left((filter -> key)::text, 60));
  END IF;
END
$$;
