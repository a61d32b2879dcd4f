-- The seconds before another attempt: backoff_seconds doubled for each attempt made, a day at most, and a random half of it
-- taken off, so that jobs which failed together do not come back together.
CREATE OR REPLACE FUNCTION retry_pause(backoff_seconds double precision, attempt integer)
RETURNS double precision
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT least(backoff_seconds * 2 ^ least(attempt - 1, 30), 86400) * (0.5 + random() / 2)
$$;
