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
