-- Changes jobs whose lease, deadline or wait has ended, and which the caller has locked, to what comes next; gives how
-- many. The common part of take_back_expired() for all of them at once, and for one alone.
CREATE OR REPLACE FUNCTION end_expired(job_ids text[], moment timestamptz)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  parents text[];
  changed integer;
BEGIN
  PERFORM set_config('opa.parents', 'continued', true);
  WITH expired AS MATERIALIZED (
    SELECT job.id, job.status, job.attempt AS counted,
      job.attempt - is_lost::integer AS attempt, job.losses + is_lost::integer AS losses,
      CASE
        WHEN job.status = 'running' AND job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN job.deadline_at <= end_expired.moment THEN 'failed'
        WHEN job.status = 'waiting' THEN
          CASE WHEN job.required_action ->> 'on_expiry' = 'continue' THEN 'pending' ELSE 'failed' END
        WHEN is_lost AND job.losses + 1 >= greatest(job.max_attempts, 10) OR NOT is_lost AND job.attempt >= job.max_attempts THEN 'failed'
        ELSE 'pending'
      END::job_status AS next_status,
      CASE
        WHEN job.deadline_at <= end_expired.moment THEN deadline_error(job.deadline_at)
        WHEN job.status = 'waiting' THEN jsonb_build_object('code', 'wait_expired',
          'message', format('nobody answered by %s (%s)', job.wait_expires_at, job.wait_reason))
        WHEN is_timed_out THEN attempt_timeout_error(job.attempt_timeout_seconds)
        ELSE jsonb_build_object('code', 'lease_lost',
          'message', format('worker %s did not renew its lease, which ended at %s', job.worker_id, job.lease_expires_at))
      END AS reason
    FROM unnest(end_expired.job_ids) AS one (id)
    JOIN jobs AS job ON job.id = one.id
    CROSS JOIN LATERAL (
      SELECT job.status = 'running' AND coalesce(job.started_at + make_interval(secs => job.attempt_timeout_seconds) <= end_expired.moment, false)
    ) AS timing (is_timed_out)
    CROSS JOIN LATERAL (SELECT job.status = 'running' AND job.on_lost = 'retry' AND NOT is_timed_out) AS loss (is_lost)
  ), ended AS (
    UPDATE jobs AS job
    SET status = expired.next_status,
      lease_expires_at = NULL,
      wait_reason = NULL,
      attempt = CASE WHEN expired.next_status = 'pending' THEN expired.attempt ELSE job.attempt END,
      losses = expired.losses,
      run_at = CASE WHEN expired.next_status = 'pending' THEN end_expired.moment ELSE job.run_at END,
      completed_at = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE end_expired.moment END,
      progress = CASE WHEN expired.next_status = 'pending' AND expired.status = 'running' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN expired.next_status = 'pending' AND expired.status = 'running' THEN NULL ELSE job.progress_message END,
      required_action = CASE WHEN expired.status = 'waiting' AND job.wait_expires_at <= end_expired.moment
        THEN coalesce(job.required_action, '{}') || '{"response": {"expired": true}}' ELSE job.required_action END,
      error = CASE WHEN expired.next_status = 'cancelled' OR expired.status = 'waiting' AND expired.next_status = 'pending'
        THEN job.error ELSE expired.reason END
    FROM expired
    WHERE job.id = expired.id
    RETURNING job.id, job.lease_token, job.started_at, job.worker_id, job.parent_id, job.completed_at, expired.status AS old_status,
      expired.reason, expired.counted
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
    SELECT id, lease_token, started_at, greatest(end_expired.moment, started_at), counted, 'lease_lost', worker_id, reason
    FROM ended WHERE old_status = 'running'
  )
  SELECT count(*), array_agg(DISTINCT ended.parent_id) FILTER (WHERE ended.parent_id IS NOT NULL AND ended.completed_at IS NOT NULL)
  INTO changed, parents FROM ended;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    BEGIN
      PERFORM continue_parents(parents, 1000);
    EXCEPTION WHEN OTHERS THEN
      -- The child has ended all the same; wake_parents() goes on with its parent, or says what is wrong.
      INSERT INTO job_wakeups (queue, parent_id)
      SELECT job.queue, job.id FROM unnest(parents) AS parent (id) JOIN jobs AS job ON job.id = parent.id;
    END;
  END IF;
  RETURN changed;
END
$$;
