-- The job that stands in the way of a new one: of the same id, else of the same idempotency key, else the unfinished one
-- of the same singleton key. For enqueue() and enqueue_many().
CREATE OR REPLACE FUNCTION find_duplicate(queue text, job_id text, idempotency_key text, singleton_key text)
RETURNS TABLE (id text, status job_status)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF find_duplicate.job_id IS NOT NULL THEN
    RETURN QUERY SELECT job.id, job.status FROM jobs AS job WHERE job.id = find_duplicate.job_id;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  IF find_duplicate.idempotency_key IS NOT NULL THEN
    RETURN QUERY
      SELECT job.id, job.status FROM jobs AS job
      WHERE job.queue = find_duplicate.queue AND job.idempotency_key = find_duplicate.idempotency_key;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RETURN QUERY
    SELECT job.id, job.status FROM jobs AS job
    WHERE job.queue = find_duplicate.queue AND job.singleton_key = find_duplicate.singleton_key
      AND job.status IN ('pending', 'running', 'waiting');
END
$$;
