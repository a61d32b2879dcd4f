-- Refuses a number of jobs in one call that is none, for the functions that change many.
CREATE OR REPLACE FUNCTION check_batch(caller text, max_jobs integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF max_jobs IS NULL OR max_jobs NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: max_jobs must be from 1 to 100000, got %s', caller, coalesce(max_jobs::text, 'null'));
  END IF;
END
$$;
