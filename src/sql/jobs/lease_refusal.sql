-- Why a lease could not be settled: the job is not_found, was cancelled, or this lease of it is over (stale_lease).
CREATE OR REPLACE FUNCTION lease_refusal(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  job jobs;
BEGIN
  SELECT * INTO job FROM jobs WHERE id = lease_refusal.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.status = 'cancelled' AND job.lease_token = lease_refusal.lease_token THEN
    RETURN 'cancelled';
  END IF;
  RETURN 'stale_lease';
END
$$;
