-- Adds a part of a job's output for whoever watches it: any JSON of at most 64 KiB. Only the holder of the lease can. ok, or
-- stale_lease, cancelled or not_found as of complete(). The latest 1,000 events of a job are kept.
--
--   SELECT add_job_output('job-1', lease_token => 4, output => '"the next words"');
CREATE OR REPLACE FUNCTION add_job_output(job_id text, lease_token bigint, output jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF add_job_output.output IS NULL OR octet_length(add_job_output.output::text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_job_output: output must be JSON of at most 65536 bytes, got %s',
        coalesce(octet_length(add_job_output.output::text)::text, 'null'));
  END IF;
  PERFORM FROM jobs
  WHERE id = add_job_output.job_id AND lease_token = add_job_output.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(add_job_output.job_id, add_job_output.lease_token);
  END IF;
  PERFORM append_job_event(add_job_output.job_id, 'output', add_job_output.output);
  RETURN 'ok';
END
$$;
