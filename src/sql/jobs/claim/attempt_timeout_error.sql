-- The error of an attempt that took longer than attempt_timeout_seconds.
CREATE OR REPLACE FUNCTION attempt_timeout_error(attempt_timeout_seconds double precision)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'attempt_timeout', 'message', format('the attempt took longer than %s seconds', attempt_timeout_seconds))
$$;
