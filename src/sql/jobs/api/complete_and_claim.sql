-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job jobs)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  outcome := complete(complete_and_claim.job_id, complete_and_claim.lease_token, complete_and_claim.result);
  RETURN QUERY
    SELECT outcome, next FROM claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes) AS next;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;
