-- Gives a job back for later: it is pending, and handed out again after delay_seconds. The attempt does not count.
-- Answers as release() does.
--
--   SELECT snooze('job-1', lease_token => 4, delay_seconds => 300);
CREATE OR REPLACE FUNCTION snooze(job_id text, lease_token bigint, delay_seconds double precision)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  IF snooze.delay_seconds IS NULL OR NOT (snooze.delay_seconds >= 0 AND snooze.delay_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('snooze: delay_seconds must be from 0 to 31536000 (a year), got %s', coalesce(snooze.delay_seconds::text, 'null'));
  END IF;
  RETURN end_lease(snooze.job_id, snooze.lease_token, 'pending', 'snoozed',
    run_at => jobs_now() + make_interval(secs => snooze.delay_seconds));
END
$$;
