-- Limits the jobs of a limit_key in a queue: at most max_running at the same time, and at most rate_limit started in
-- rate_period, of which rate_burst may start at once after a rest (by default one period's worth). A null is no limit of
-- that kind; the key * is the rule of every key without one of its own. Replaces the rule that was there, and what runs
-- already goes on.
--
--   SELECT set_job_limit('agents', 'user:ana', max_running => 2);
--   SELECT set_job_limit('agents', '*', max_running => 5, rate_limit => 60, rate_period => '1 minute', rate_burst => 10);
CREATE OR REPLACE FUNCTION set_job_limit(
  queue text,
  limit_key text,
  max_running integer DEFAULT NULL,
  rate_limit double precision DEFAULT NULL,
  rate_period interval DEFAULT interval '1 second',
  rate_burst integer DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  period double precision := extract(epoch FROM set_job_limit.rate_period);
  problem text;
BEGIN
  problem := CASE
    WHEN (octet_length(set_job_limit.queue) BETWEEN 1 AND 255) IS NOT TRUE THEN
      format('queue must have from 1 to 255 bytes, got %s', coalesce(octet_length(set_job_limit.queue)::text, 'null'))
    WHEN (octet_length(set_job_limit.limit_key) BETWEEN 1 AND 1024) IS NOT TRUE THEN
      format('limit_key must have from 1 to 1024 bytes, got %s', coalesce(octet_length(set_job_limit.limit_key)::text, 'null'))
    WHEN set_job_limit.max_running < 0 THEN format('max_running must be 0 or more, got %s', set_job_limit.max_running)
    WHEN NOT (set_job_limit.rate_limit > 0 AND set_job_limit.rate_limit <= 1000000) THEN
      format('rate_limit must be above 0, at most 1000000, got %s', set_job_limit.rate_limit)
    WHEN (period > 0 AND period <= 31536000) IS NOT TRUE THEN
      format('rate_period must be longer than nothing, at most a year, got %s', coalesce(set_job_limit.rate_period::text, 'null'))
    WHEN set_job_limit.rate_burst NOT BETWEEN 1 AND 1000000 THEN
      format('rate_burst must be from 1 to 1000000, got %s', set_job_limit.rate_burst)
    WHEN set_job_limit.max_running IS NULL AND set_job_limit.rate_limit IS NULL THEN
      'a limit needs a max_running or a rate_limit; drop_job_limit() takes one away'
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('set_job_limit: %s', problem);
  END IF;
  INSERT INTO job_limits AS rule (queue, limit_key, max_running, rate_limit, rate_period_seconds, rate_burst)
  VALUES (set_job_limit.queue, set_job_limit.limit_key, set_job_limit.max_running, set_job_limit.rate_limit,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN period END,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN coalesce(set_job_limit.rate_burst, greatest(1, floor(set_job_limit.rate_limit)::integer)) END)
  ON CONFLICT (queue, limit_key) DO UPDATE
  SET max_running = excluded.max_running, rate_limit = excluded.rate_limit, rate_period_seconds = excluded.rate_period_seconds,
    rate_burst = excluded.rate_burst;
END
$$;
