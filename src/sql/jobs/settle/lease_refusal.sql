-- Why a lease could not be settled: the job is not_found, was cancelled, somebody else's transaction holds its row
-- (locked: the lease is still the caller's), or this lease of it is over (stale_lease).
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
  IF job.lease_token = lease_refusal.lease_token THEN
    RETURN CASE WHEN job.status = 'cancelled' THEN 'cancelled' WHEN job.status = 'running' THEN 'locked' ELSE 'stale_lease' END;
  END IF;
  RETURN 'stale_lease';
END
$$;
