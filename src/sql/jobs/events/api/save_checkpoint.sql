-- Keeps the state of a job for its next attempt, or for when it goes on after a wait, in place of what was kept before: any
-- JSON of at most 1 MiB. Only the holder of the lease can. ok, or stale_lease, cancelled or not_found as of complete().
--
--   SELECT save_checkpoint('job-1', lease_token => 4, state => '{"page": 12}');
CREATE OR REPLACE FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF save_checkpoint.state IS NULL OR octet_length(save_checkpoint.state::text) > 1048576 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('save_checkpoint: state must be JSON of at most 1048576 bytes (1 MiB), got %s',
        coalesce(octet_length(save_checkpoint.state::text)::text, 'null'));
  END IF;
  PERFORM FROM jobs
  WHERE id = save_checkpoint.job_id AND lease_token = save_checkpoint.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(save_checkpoint.job_id, save_checkpoint.lease_token);
  END IF;
  INSERT INTO job_checkpoints (job_id, lease_token, saved_at, state)
  VALUES (save_checkpoint.job_id, save_checkpoint.lease_token, jobs_now(), save_checkpoint.state)
  ON CONFLICT (job_id) DO UPDATE
    SET lease_token = excluded.lease_token, saved_at = excluded.saved_at, state = excluded.state;
  RETURN 'ok';
END
$$;
