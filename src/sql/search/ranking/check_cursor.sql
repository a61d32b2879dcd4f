-- Refuses a filter.after that is not the place of a row in a list: {"score": its score, "id": its id}.
CREATE OR REPLACE FUNCTION check_cursor(filter jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  cursor CONSTANT jsonb := filter -> 'after';
BEGIN
  IF cursor IS NULL THEN
    RETURN;
  END IF;
  IF jsonb_typeof(cursor) = 'object' AND cursor - ARRAY['score', 'id'] = '{}'
    AND jsonb_typeof(cursor -> 'score') = 'number' AND jsonb_typeof(cursor -> 'id') = 'string'
  THEN
    -- JSON has numbers that float8 has not.
    IF (cursor ->> 'score')::numeric = 0 OR abs((cursor ->> 'score')::numeric) BETWEEN 1e-307 AND 1e307 THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.after must be {"score": number, "id": string} of the last row before, got %s',
      left(cursor::text, 60));
END
$$;
