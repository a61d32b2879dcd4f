-- fail() for many leases in one statement; answers for each, in the order of the arguments. errors has one for each;
-- retryable and retry_in_seconds may be null (true, and the job's own backoff, for all) or have one for each. The answer
-- locked means that somebody else's transaction holds the job's row: nothing was waited for, fail it again soon.
--
--   SELECT * FROM fail_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1],
--     ARRAY['{"code": "timeout", "message": "no answer"}', '{"message": "no such page"}']::jsonb[], ARRAY[true, false]);
CREATE OR REPLACE FUNCTION fail_many(
  job_ids text[],
  lease_tokens bigint[],
  errors jsonb[],
  retryable boolean[] DEFAULT NULL,
  retry_in_seconds double precision[] DEFAULT NULL
)
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
  count_of_jobs CONSTANT integer := cardinality(fail_many.job_ids);
  wrong text;
  settled jsonb;
  parents text[];
BEGIN
  PERFORM check_leases('fail_many', fail_many.job_ids, fail_many.lease_tokens);
  SELECT CASE
    WHEN cardinality(fail_many.errors) IS DISTINCT FROM count_of_jobs THEN
      format('errors must have one element for each of the %s jobs, got %s', count_of_jobs, coalesce(cardinality(fail_many.errors)::text, 'null'))
    WHEN cardinality(fail_many.retryable) <> count_of_jobs OR cardinality(fail_many.retry_in_seconds) <> count_of_jobs THEN
      format('retryable and retry_in_seconds must be null or have one element for each of the %s jobs', count_of_jobs)
    ELSE (
      SELECT format('element %s: an error must be a JSON object with a message and a code that are strings, got %s', one.place - 1,
        coalesce(left(one.error::text, 200), 'null'))
      FROM unnest(fail_many.errors) WITH ORDINALITY AS one (error, place)
      WHERE one.error IS NULL OR jsonb_typeof(one.error) <> 'object' OR jsonb_typeof(one.error -> 'message') IS DISTINCT FROM 'string'
        OR jsonb_typeof(coalesce(one.error -> 'code', '""')) <> 'string'
      ORDER BY one.place LIMIT 1
    )
  END INTO wrong;
  wrong := coalesce(wrong, (
    SELECT format('element %s: retry_in_seconds must be from 0 to 31536000 (a year), got %s', one.place - 1, one.seconds)
    FROM unnest(fail_many.retry_in_seconds) WITH ORDINALITY AS one (seconds, place)
    WHERE NOT (one.seconds >= 0 AND one.seconds <= 31536000) ORDER BY one.place LIMIT 1
  ));
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('fail_many: %s', wrong);
  END IF;

  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place, '{"code": "error"}'::jsonb || lease.error AS reason, lease.seconds,
      CASE
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN coalesce(lease.retryable, true) AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
        ELSE 'failed'
      END::job_status AS next_status
    FROM unnest(fail_many.job_ids, fail_many.lease_tokens, fail_many.errors, fail_many.retryable, fail_many.retry_in_seconds)
      AS lease (id, token, error, retryable, seconds)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  ), settled AS (
    UPDATE jobs AS job
    SET status = held.next_status,
      lease_expires_at = NULL,
      heartbeat_at = greatest(current_moment, job.started_at),
      run_at = CASE WHEN held.next_status = 'pending' THEN current_moment + make_interval(secs => coalesce(held.seconds,
        retry_pause(job.backoff_seconds, job.attempt))) ELSE job.run_at END,
      completed_at = CASE WHEN held.next_status <> 'pending' THEN greatest(current_moment, job.started_at) END,
      progress = CASE WHEN held.next_status = 'pending' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN held.next_status = 'pending' THEN NULL ELSE job.progress_message END,
      error = held.reason
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id, job.parent_id, job.completed_at, held.reason,
      held.next_status
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
    SELECT id, lease_token, started_at, greatest(current_moment, started_at), attempt,
      (CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END)::attempt_outcome, worker_id, reason
    FROM settled
  )
  SELECT jsonb_object_agg(settled.id, CASE settled.next_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ok' END),
    array_agg(DISTINCT settled.parent_id) FILTER (WHERE settled.parent_id IS NOT NULL AND settled.completed_at IS NOT NULL)
  INTO settled, parents FROM settled;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;

  RETURN QUERY
    SELECT lease.id,
      CASE WHEN job.lease_token = lease.token THEN coalesce(settled ->> lease.id, lease_refusal(lease.id, lease.token))
        ELSE lease_refusal(lease.id, lease.token) END
    FROM unnest(fail_many.job_ids, fail_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
END
$$;
