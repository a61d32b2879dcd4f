-- filter.min_score, or null where there is none; refused where it is no number in the range of the search's scores.
CREATE OR REPLACE FUNCTION check_min_score(filter jsonb, lowest float8, highest float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  given CONSTANT jsonb := filter -> 'min_score';
BEGIN
  -- As numeric, because JSON has numbers that float8 has not.
  IF given IS NULL OR jsonb_typeof(given) = 'number' AND given::numeric BETWEEN lowest::numeric AND highest::numeric THEN
    RETURN round(given::numeric, 300);
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.min_score must be a number from %s to %s, got %s', lowest, highest, left(given::text, 60));
END
$$;
