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
-- source: src/sql/jobs/waiting/continue_parents.sql
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
-- source: src/sql/jobs/waiting/wake_parents.sql
-- Looks again at up to max_jobs parents of a queue that somebody had locked when a child of theirs ended (job_wakeups);
-- gives how many notes it settled. One that fails (a trigger of somebody else's refuses its change, say) goes to the end
-- of the line with a warning, and holds up no other.
CREATE OR REPLACE FUNCTION wake_parents(queue text, max_jobs integer)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  notes bigint[];
  parents text[];
  settled integer := 0;
BEGIN
  SELECT array_agg(note.id), array_agg(DISTINCT note.parent_id) INTO notes, parents FROM (
    SELECT one.id, one.parent_id FROM job_wakeups AS one
    WHERE one.queue = wake_parents.queue
    ORDER BY one.queue, one.id LIMIT wake_parents.max_jobs
    FOR UPDATE SKIP LOCKED
  ) AS note;
  IF notes IS NULL THEN
    RETURN 0;
  END IF;
  -- Before the parents are looked at: one that is locked again is noted anew.
  DELETE FROM job_wakeups WHERE id = ANY (notes);
  BEGIN
    PERFORM continue_parents(parents, 1000);
    RETURN cardinality(parents);
  EXCEPTION WHEN OTHERS THEN
    RAISE DEBUG 'wake_parents: one by one, because of %', SQLERRM;
  END;
  FOR at IN 1..cardinality(parents) LOOP
    BEGIN
      PERFORM continue_parents(parents[at:at], 1000);
      settled := settled + 1;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'job % cannot go on: %', parents[at], SQLERRM;
      INSERT INTO job_wakeups (queue, parent_id) VALUES (wake_parents.queue, parents[at]);
    END;
  END LOOP;
  RETURN settled;
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/waiting/api/approve.sql
-- Approves a job that waits for approval and makes it pending again, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. wait_id is the wait that is answered (wait_for() gives it, get_job() shows it): a repeated
-- approval of one question never answers the next. Answers ok, also to a repetition; not_waiting when this wait is over;
-- wrong_reason when the job waits for something else; too_late after its deadline; not_found.
--
--   SELECT approve('job-1', wait_id => '0197…', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION approve(job_id text, wait_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('approve', job_id, wait_id, 'approved',
    jsonb_build_object('approved', true, 'by', approved_by, 'comment', comment))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/waiting/api/reject.sql
-- Rejects a job that waits for approval: it has failed, with the code "rejected" and the comment as its message. Answers as
-- approve() does.
--
--   SELECT reject('job-1', wait_id => '0197…', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION reject(job_id text, wait_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('reject', job_id, wait_id, 'rejected',
    jsonb_build_object('approved', false, 'by', rejected_by, 'comment', comment), comment)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/waiting/api/resume.sql
-- Ends the waiting of a job for input or for something external: it is pending, with response in required_action.response
-- for the worker that claims it next. Answers as approve() does; a repetition is one with the same response.
--
--   SELECT resume('job-1', wait_id => '0197…', response => '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION resume(job_id text, wait_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('resume', job_id, wait_id, 'resumed', response)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/waiting/api/wait_for.sql
-- Lets go of a job until something happens. reason says what:
--   approval   somebody calls approve() or reject()
--   input      somebody calls resume() with an answer
--   external   a callback, say, calls resume()
--   children   the last unfinished child ends, at once if none is unfinished; on_child_failure says whether children
--              that failed or were cancelled 'fail' this job as well, or it is to 'continue' and look for itself
-- required_action describes it for whoever has to act. The job is then pending, and claimed again as any other: the
-- answer is in required_action.response. The attempt does not count. outcome is as that of release(); wait_id says which
-- wait this is, and the answer must name it (null if the job does not wait, or goes on already).
--
--   SELECT * FROM wait_for('job-1', lease_token => 4, reason => 'approval', required_action => '{"question": "Send it?"}');
--
-- After expires_in_seconds without an answer the job fails with the code wait_expired, or with on_expiry = 'continue' goes
-- on with {"expired": true} as its response. With lease_token null a pending job is held back.
CREATE OR REPLACE FUNCTION wait_for(
  job_id text,
  lease_token bigint,
  reason text,
  required_action jsonb DEFAULT '{}',
  on_child_failure text DEFAULT 'fail',
  expires_in_seconds double precision DEFAULT NULL,
  on_expiry text DEFAULT 'fail'
)
RETURNS TABLE (outcome text, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  action jsonb := coalesce(wait_for.required_action, '{}');
  expires_at timestamptz;
BEGIN
  IF wait_for.reason IS NULL OR wait_for.reason NOT IN ('approval', 'input', 'children', 'external') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: reason must be approval, input, children or external, got %s', coalesce(wait_for.reason, 'null'));
  END IF;
  IF jsonb_typeof(action) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: required_action must be a JSON object, got %s', jsonb_typeof(action));
  END IF;
  IF wait_for.on_child_failure IS NULL OR wait_for.on_child_failure NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_child_failure must be fail or continue, got %s', coalesce(wait_for.on_child_failure, 'null'));
  END IF;
  IF NOT (wait_for.expires_in_seconds > 0 AND wait_for.expires_in_seconds <= 315360000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: expires_in_seconds must be above 0, at most 315360000 (ten years), got %s', wait_for.expires_in_seconds);
  END IF;
  IF wait_for.on_expiry IS NULL OR wait_for.on_expiry NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_expiry must be fail or continue, got %s', coalesce(wait_for.on_expiry, 'null'));
  END IF;
  expires_at := jobs_now() + make_interval(secs => wait_for.expires_in_seconds);
  IF expires_at IS NOT NULL THEN
    action := action || jsonb_build_object('on_expiry', wait_for.on_expiry);
  END IF;
  IF wait_for.reason = 'children' THEN
    action := action || jsonb_build_object('on_child_failure', wait_for.on_child_failure);
  END IF;

  IF wait_for.lease_token IS NULL THEN
    UPDATE jobs SET status = 'waiting', wait_reason = wait_for.reason, required_action = action, wait_expires_at = expires_at
    WHERE id = wait_for.job_id AND status = 'pending';
    outcome := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(wait_for.job_id, wait_for.lease_token) END;
  ELSE
    outcome := end_lease(wait_for.job_id, wait_for.lease_token, 'waiting', 'waiting',
      wait_reason => wait_for.reason, required_action => action, wait_expires_at => expires_at);
  END IF;
  IF outcome = 'ok' THEN
    IF wait_for.reason = 'children' THEN
      PERFORM continue_parents(ARRAY[wait_for.job_id]);
    END IF;
    SELECT job.wait_id INTO wait_id FROM jobs AS job WHERE job.id = wait_for.job_id;
  END IF;
  RETURN NEXT;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION approve(job_id text, wait_id text, approved_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION reject(job_id text, wait_id text, rejected_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume(job_id text, wait_id text, response jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION wait_for(job_id text, lease_token bigint, reason text, required_action jsonb, on_child_failure text, expires_in_seconds double precision, on_expiry text) SET search_path FROM CURRENT;
