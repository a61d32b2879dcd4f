-- complete() for many leases in one statement; answers for each, in the order of the arguments. results may be null
-- (no job has one) or has one for each job. The answer locked means that somebody else's transaction holds the job's row:
-- nothing was waited for, the lease is still yours, complete it again soon.
--
--   SELECT * FROM complete_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1]);
CREATE OR REPLACE FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL)
RETURNS TABLE (id text, outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  settled_ids text[];
  parents text[];
BEGIN
  PERFORM check_leases('complete_many', complete_many.job_ids, complete_many.lease_tokens);
  IF cardinality(complete_many.results) <> cardinality(complete_many.job_ids) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('complete_many: results must be null or have one element for each of the %s jobs, got %s',
        cardinality(complete_many.job_ids), cardinality(complete_many.results));
  END IF;

  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place, lease.result
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens, complete_many.results) AS lease (id, token, result)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  ), settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = held.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, job.started_at), updated_at = now()
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.id, job.lease_token, job.started_at, job.completed_at, job.attempt, job.worker_id, job.parent_id
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
    SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled
  )
  SELECT array_agg(settled.id), array_agg(DISTINCT settled.parent_id) FILTER (WHERE settled.parent_id IS NOT NULL)
  INTO settled_ids, parents FROM settled;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;

  IF cardinality(settled_ids) = cardinality(complete_many.job_ids) THEN
    RETURN QUERY SELECT one.id, 'ok' FROM unnest(complete_many.job_ids) AS one (id);
    RETURN;
  END IF;
  RETURN QUERY
    SELECT lease.id,
      CASE WHEN lease.id = ANY (settled_ids) AND job.lease_token = lease.token
        THEN 'ok' ELSE lease_refusal(lease.id, lease.token) END
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
END
$$;
