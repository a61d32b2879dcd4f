-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/answer_wait.sql
-- Answers a wait: the common part of approve(), reject() and resume(). Gives
--   ok             the job goes on, or has failed if it was rejected; also when the same answer was given before
--   not_waiting    this wait is over, and was not answered like that
--   wrong_reason   the job waits for something else: an approval is not resumed, and children are not answered
--   too_late       the job's deadline, or the time for an answer, has passed
--   not_found      there is no such job
CREATE OR REPLACE FUNCTION answer_wait(caller text, job_id text, wait_id text, answer text, response jsonb, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  job jobs;
BEGIN
  IF answer_wait.wait_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: wait_id must say which wait is answered (wait_for() and get_job() give it), got null', caller);
  END IF;
  SELECT * INTO job FROM jobs WHERE id = answer_wait.job_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.wait_id IS DISTINCT FROM answer_wait.wait_id THEN
    RETURN CASE WHEN EXISTS (
      SELECT FROM job_answers AS given
      WHERE given.job_id = job.id AND given.wait_id = answer_wait.wait_id AND given.answer = answer_wait.answer
        AND (given.answer <> 'resumed' OR given.response IS NOT DISTINCT FROM answer_wait.response)
    ) THEN 'ok' ELSE 'not_waiting' END;
  END IF;
  IF job.wait_reason = 'children' OR (job.wait_reason = 'approval') <> (answer_wait.answer IN ('approved', 'rejected')) THEN
    RETURN 'wrong_reason';
  END IF;
  current_moment := jobs_now();
  IF least(job.deadline_at, job.wait_expires_at) <= current_moment THEN
    RETURN 'too_late';
  END IF;
  INSERT INTO job_answers (job_id, wait_id, answer, answered_at, response)
  VALUES (job.id, job.wait_id, answer_wait.answer, current_moment, answer_wait.response);
  UPDATE jobs
  SET status = CASE answer_wait.answer WHEN 'rejected' THEN 'failed'::job_status ELSE 'pending' END,
    wait_reason = NULL,
    run_at = CASE answer_wait.answer WHEN 'rejected' THEN job.run_at ELSE current_moment END,
    completed_at = CASE answer_wait.answer WHEN 'rejected' THEN current_moment END,
    required_action = coalesce(job.required_action, '{}') || jsonb_build_object('response', answer_wait.response),
    error = CASE answer_wait.answer WHEN 'rejected' THEN jsonb_build_object('code', 'rejected',
      'message', coalesce(answer_wait.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', answer_wait.response -> 'by')) ELSE job.error END
  WHERE id = job.id;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/append_job_event.sql
-- Adds an event to a job whose row the caller has locked; of more than 1,000 the oldest goes.
CREATE OR REPLACE FUNCTION append_job_event(job_id text, kind text, data jsonb)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  next_seq bigint;
BEGIN
  SELECT coalesce(max(event.seq), 0) + 1 INTO next_seq FROM job_events AS event WHERE event.job_id = append_job_event.job_id;
  INSERT INTO job_events (job_id, seq, kind, data)
  VALUES (append_job_event.job_id, next_seq, append_job_event.kind, append_job_event.data);
  IF next_seq > 1000 THEN
    DELETE FROM job_events WHERE job_id = append_job_event.job_id AND seq <= next_seq - 1000;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/attempt_timeout_error.sql
-- The error of an attempt that took longer than attempt_timeout_seconds.
CREATE OR REPLACE FUNCTION attempt_timeout_error(attempt_timeout_seconds double precision)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'attempt_timeout', 'message', format('the attempt took longer than %s seconds', attempt_timeout_seconds))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/cache_queue_start.sql
-- Caches for claim(), in a setting of the session, where the living entries of a queue's indexes begin, if finding the first
-- job takes long. claim() saw it take more than a millisecond; here it is looked for once more, because an interrupted
-- process is slow as well, and the second time then is not.
CREATE OR REPLACE FUNCTION cache_queue_start(queue text, level smallint, first_run_at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  looked_for text;
  began timestamptz;
  ended timestamptz;
  first_started_at timestamptz;
BEGIN
  -- First for no queue, which reads nothing: a connection's first call also makes the plans, and that is slow as well.
  FOREACH looked_for IN ARRAY ARRAY[NULL, cache_queue_start.queue] LOOP
    began := clock_timestamp();
    PERFORM FROM jobs AS job
    WHERE job.queue = looked_for AND job.status = 'pending' AND job.limit_key IS NULL
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
    SELECT job.started_at INTO first_started_at FROM jobs AS job
    WHERE job.queue = looked_for AND job.status = 'running'
    ORDER BY job.started_at LIMIT 1;
    ended := clock_timestamp();
  END LOOP;
  IF ended - began > interval '1 millisecond' THEN
    PERFORM set_config('opa.claim_' || (hashtext(cache_queue_start.queue) & 15), ARRAY[
      hashtext(cache_queue_start.queue), date_part('epoch', ended) + 1,
      coalesce(level, 32767), coalesce(date_part('epoch', first_run_at), '-infinity'),
      -- With none running, those that start from now on.
      date_part('epoch', coalesce(first_started_at, jobs_now() - interval '1 second'))
    ]::text, false);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_batch.sql
-- Refuses a number of jobs in one call that is none, for the functions that change many.
CREATE OR REPLACE FUNCTION check_batch(caller text, max_jobs integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF max_jobs IS NULL OR max_jobs NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: max_jobs must be from 1 to 100000, got %s', caller, coalesce(max_jobs::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_job_filter.sql
-- Refuses a filter of jobs that job_matches() would not understand, naming the key.
CREATE OR REPLACE FUNCTION check_job_filter(caller text, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  texts CONSTANT text[] := ARRAY['queue', 'intent', 'worker_id', 'parent_id', 'root_id', 'trace_id', 'limit_key', 'error_code',
    'since', 'until'];
  lists CONSTANT text[] := ARRAY['statuses', 'modes', 'ids'];
  problem text;
BEGIN
  IF filter IS NULL OR jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: filter must be a JSON object, got %s', caller, coalesce(jsonb_typeof(filter), 'null'));
  END IF;
  SELECT CASE
    WHEN entry.key <> ALL (texts || lists) THEN
      format('filter has an unknown key, %s; known are %s', entry.key, array_to_string(texts || lists, ', '))
    WHEN entry.key = ANY (texts) THEN format('filter.%s must be a string, got %s', entry.key, jsonb_typeof(entry.value))
    ELSE format('filter.%s must be an array of strings, got %s', entry.key, left(entry.value::text, 100))
  END INTO problem
  FROM jsonb_each(filter) AS entry
  WHERE entry.key <> ALL (texts || lists)
    OR entry.key = ANY (texts) AND jsonb_typeof(entry.value) <> 'string'
    OR entry.key = ANY (lists) AND (jsonb_typeof(entry.value) <> 'array'
      OR jsonb_path_exists(entry.value, '$[*] ? (@.type() != "string")'))
  ORDER BY entry.key LIMIT 1;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_leases.sql
-- Refuses lists of leases that do not fit together, for the functions that take several at once.
CREATE OR REPLACE FUNCTION check_leases(caller text, job_ids text[], lease_tokens bigint[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF job_ids IS NULL OR lease_tokens IS NULL OR cardinality(job_ids) <> cardinality(lease_tokens) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: job_ids and lease_tokens must be arrays of the same length, got %s and %s', caller,
        coalesce(cardinality(job_ids)::text, 'null'), coalesce(cardinality(lease_tokens)::text, 'null'));
  END IF;
  IF array_position(job_ids, NULL) IS NOT NULL OR array_position(lease_tokens, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: every job id and lease token must be given, got a null', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_parents.sql
-- Refuses parents that are not there, or are cancelled or to be: what is being stopped does not grow. Their rows are locked
-- against cancel() until the children are committed (in one order, so that two callers never wait for each other), which
-- the foreign key would do a moment later anyway; heartbeats and settlements go on.
CREATE OR REPLACE FUNCTION check_parents(caller text, job_ids text[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  parent text;
  is_cancelled boolean;
BEGIN
  FOR parent IN SELECT DISTINCT one.id COLLATE "C" AS id FROM unnest(check_parents.job_ids) AS one (id) WHERE one.id IS NOT NULL ORDER BY 1 LOOP
    SELECT job.cancel_requested_at IS NOT NULL OR job.status = 'cancelled' INTO is_cancelled
    FROM jobs AS job WHERE job.id = parent FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s: parent_id must be the id of a job, got %s', caller, parent);
    END IF;
    IF is_cancelled THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('%s: job %s is cancelled, or is to be, and gets no more children', caller, parent);
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_period.sql
-- Refuses a period that is not one, for the functions that report about the recent past.
CREATE OR REPLACE FUNCTION check_period(caller text, period interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF period IS NULL OR period <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: period must be an interval greater than 0, got %s', caller, coalesce(period::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/continue_parents.sql
-- Ends the waiting of jobs for their children where none of these is unfinished. Called when children have ended (trigger
-- jobs_child_ended, and the functions that end many at once) and when a waiting begins, by which time the last child may
-- have ended. A parent that fails with its children may be the last child of its own parent: the loop goes up level by
-- level, at most max_levels of them, so that neither the stack nor the time grows with the depth of a tree.
--
-- Nothing is waited for. Whoever holds a parent's row locked may be looking at the same moment at what this transaction
-- has not committed yet; so a row that is locked gets a note in job_wakeups, and the next claim from its queue looks
-- again. The same where the snapshot is older than the lock (REPEATABLE READ), and where the levels run out.
--
-- The rows are locked, not updated: 10,000 children would leave 10,000 dead versions of their parent.
CREATE OR REPLACE FUNCTION continue_parents(job_ids text[], max_levels integer DEFAULT 10000)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  may_look CONSTANT boolean := current_setting('transaction_isolation') IN ('read committed', 'read uncommitted');
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  current_moment timestamptz;
  parents text[] := continue_parents.job_ids;
  held text[];
  going text[];
BEGIN
  FOR level IN 1..continue_parents.max_levels LOOP
    held := CASE WHEN may_look THEN ARRAY(
      SELECT job.id FROM unnest(parents) AS parent (id) JOIN jobs AS job ON job.id = parent.id
      FOR NO KEY UPDATE OF job SKIP LOCKED
    ) ELSE '{}' END;
    IF cardinality(held) < cardinality(parents) THEN
      INSERT INTO job_wakeups (queue, parent_id)
      SELECT job.queue, job.id FROM unnest(parents) AS parent (id) JOIN jobs AS job ON job.id = parent.id
      WHERE parent.id <> ALL (held);
    END IF;
    -- A statement of its own, so that it sees every child that ended before the rows were locked.
    going := ARRAY(
      SELECT job.id FROM unnest(held) AS parent (id) JOIN jobs AS job ON job.id = parent.id
      -- Not status = 'waiting', which would offer the planner the index of all that wait.
      WHERE job.wait_reason = 'children'
        AND (
          SELECT child.id FROM jobs AS child
          WHERE child.parent_id = job.id AND (child.completed_at IS NULL) = true
          ORDER BY child.parent_id DESC, (child.completed_at IS NULL) DESC, child.id DESC LIMIT 1
        ) IS NULL
    );
    IF going = '{}' THEN
      RETURN;
    END IF;
    current_moment := jobs_now();
    PERFORM set_config('opa.parents', 'continued', true);
    WITH parent AS MATERIALIZED (
      SELECT job.id, failed.id AS failed_child
      FROM unnest(going) AS one (id) JOIN jobs AS job ON job.id = one.id
      LEFT JOIN LATERAL (
        SELECT child.id FROM jobs AS child
        WHERE child.parent_id = job.id AND child.status IN ('failed', 'cancelled')
        ORDER BY child.completed_at, child.id LIMIT 1
      ) AS failed ON job.required_action ->> 'on_child_failure' = 'fail'
    ), gone AS (
      UPDATE jobs AS job
      SET status = CASE WHEN parent.failed_child IS NULL THEN 'pending'::job_status ELSE 'failed' END,
        wait_reason = NULL,
        run_at = CASE WHEN parent.failed_child IS NULL THEN current_moment ELSE job.run_at END,
        completed_at = CASE WHEN parent.failed_child IS NOT NULL THEN current_moment END,
        error = CASE WHEN parent.failed_child IS NULL THEN job.error ELSE
          jsonb_build_object('code', 'child_failed', 'message', format('child job %s did not complete', parent.failed_child),
            'detail', jsonb_build_object('job_id', parent.failed_child)) END
      FROM parent
      WHERE job.id = parent.id
      RETURNING job.parent_id, job.completed_at
    )
    SELECT array_agg(DISTINCT gone.parent_id) FILTER (WHERE gone.completed_at IS NOT NULL AND gone.parent_id IS NOT NULL)
    INTO parents FROM gone;
    PERFORM set_config('opa.parents', outer_setting, true);
    IF parents IS NULL THEN
      RETURN;
    END IF;
  END LOOP;
  INSERT INTO job_wakeups (queue, parent_id)
  SELECT job.queue, job.id FROM unnest(parents) AS parent (id) JOIN jobs AS job ON job.id = parent.id;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/deadline_error.sql
-- The error of a job that was not done by its deadline, the same wherever that is found out.
CREATE OR REPLACE FUNCTION deadline_error(deadline_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/descendants.sql
-- A job and all its descendants, the deepest first and each level by id: the order in which every function that waits for
-- rows of a tree locks them, which is also the way up that the end of a child takes.
CREATE OR REPLACE FUNCTION descendants(job_id text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT descendants.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN jobs AS child ON child.parent_id = descendant.id
    )
    SELECT descendant.id FROM descendant ORDER BY descendant.depth DESC, descendant.id
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/end_expired.sql
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
--> statement-breakpoint
-- source: src/sql/jobs/end_lease.sql
-- Ends a lease without ending the job, which goes on as pending or waiting: the common part of release(), snooze() and
-- wait_for(). The attempt is given back, for nothing has failed. A job whose cancellation was asked for is cancelled
-- instead: this is the moment at which its worker lets go of it.
CREATE OR REPLACE FUNCTION end_lease(
  job_id text,
  lease_token bigint,
  next_status job_status,
  outcome text,
  run_at timestamptz DEFAULT NULL,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  wait_expires_at timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  job jobs;
BEGIN
  SELECT * INTO job FROM jobs
  WHERE id = end_lease.job_id AND lease_token = end_lease.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(end_lease.job_id, end_lease.lease_token);
  END IF;
  current_moment := greatest(current_moment, job.started_at);
  IF job.cancel_requested_at IS NOT NULL THEN
    UPDATE jobs
    SET status = 'cancelled', completed_at = current_moment, lease_expires_at = NULL, heartbeat_at = current_moment
    WHERE id = job.id;
  ELSE
    UPDATE jobs
    -- The last sign of life: no later attempt starts before it (claim).
    SET status = end_lease.next_status, lease_expires_at = NULL, attempt = job.attempt - 1, heartbeat_at = current_moment,
      run_at = coalesce(end_lease.run_at, job.run_at), wait_reason = end_lease.wait_reason,
      wait_expires_at = end_lease.wait_expires_at,
      required_action = coalesce(end_lease.required_action, job.required_action)
    WHERE id = job.id;
  END IF;
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE WHEN job.cancel_requested_at IS NULL THEN end_lease.outcome ELSE 'cancelled' END)::attempt_outcome,
    job.worker_id
  );
  RETURN CASE WHEN job.cancel_requested_at IS NULL THEN 'ok' ELSE 'cancelled' END;
END
$$;
