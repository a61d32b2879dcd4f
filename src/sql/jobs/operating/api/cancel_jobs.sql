-- cancel() for the unfinished jobs that a filter means (see count_jobs), at most max_jobs in a call, without their
-- descendants (root_id in the filter means a tree); gives how many. Call it again until it gives 0. Jobs whose cancellation
-- was asked for before are not counted again, and rows that others hold locked are left for the next call.
--
--   SELECT cancel_jobs('{"queue": "documents", "intent": "embed"}', max_jobs => 1000);
CREATE OR REPLACE FUNCTION cancel_jobs(filter jsonb, max_jobs integer DEFAULT 1000)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  current_moment timestamptz := jobs_now();
  changed integer;
  parents text[];
BEGIN
  PERFORM check_job_filter('cancel_jobs', filter);
  PERFORM check_batch('cancel_jobs', max_jobs);
  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place FROM jobs AS job
    WHERE job.completed_at IS NULL AND job.cancel_requested_at IS NULL AND job_matches(job, filter)
    LIMIT max_jobs
    FOR UPDATE SKIP LOCKED
  ), stopped AS (
    UPDATE jobs AS job
    SET status = CASE job.status WHEN 'running' THEN job.status ELSE 'cancelled' END,
      completed_at = CASE job.status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = current_moment
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.parent_id, job.status
  )
  SELECT count(*), array_agg(DISTINCT stopped.parent_id) FILTER (WHERE stopped.parent_id IS NOT NULL AND stopped.status = 'cancelled')
  INTO changed, parents FROM stopped;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;
  RETURN changed;
END
$$;
