-- Refuses a query text that is longer than the longest memory: nobody asks it, and a dictionary of it would be read.
CREATE OR REPLACE FUNCTION check_query_text(caller text, query_text text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF octet_length(query_text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_text must have at most 65536 bytes, got %s', caller, octet_length(query_text));
  END IF;
END
$$;
