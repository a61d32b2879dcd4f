-- Refuses a period that is not one, for the functions that report about the recent past.
CREATE OR REPLACE FUNCTION check_period(caller text, period interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF period IS NULL OR period <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: period must be an interval greater than 0, got %s', caller, coalesce(period::text, 'null'));
  END IF;
END
$$;
