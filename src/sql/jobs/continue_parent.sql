-- Ends the waiting of a job for its children if none of them is unfinished; does nothing otherwise. Called when a child
-- ends (trigger jobs_child_ended) and when the waiting begins, by which time the last child may have ended.
--
-- The job's row is touched first, although nothing in it changes: of two children that end at the same moment the
-- second waits here for the first to commit and then sees it, and under REPEATABLE READ it fails and is repeated.
-- Without that each would see the other one unfinished, and the parent would wait for ever.
CREATE OR REPLACE FUNCTION continue_parent(job_id text)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  parent jobs;
  failed_child text;
BEGIN
  UPDATE jobs SET lease_token = lease_token WHERE id = continue_parent.job_id RETURNING * INTO parent;
  IF parent.status IS DISTINCT FROM 'waiting' OR parent.wait_reason <> 'children' THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM jobs WHERE parent_id = parent.id AND completed_at IS NULL) THEN
    RETURN;
  END IF;
  current_moment := jobs_now();
  IF parent.required_action ->> 'on_child_failure' = 'fail' THEN
    SELECT id INTO failed_child FROM jobs
    WHERE parent_id = parent.id AND status IN ('failed', 'cancelled')
    ORDER BY completed_at, id LIMIT 1;
  END IF;
  IF failed_child IS NULL THEN
    UPDATE jobs SET status = 'pending', wait_reason = NULL, run_at = current_moment WHERE id = parent.id;
  ELSE
    UPDATE jobs
    SET status = 'failed', wait_reason = NULL, completed_at = current_moment,
      error = jsonb_build_object('code', 'child_failed', 'message', format('child job %s did not complete', failed_child),
        'detail', jsonb_build_object('job_id', failed_child))
    WHERE id = parent.id;
  END IF;
END
$$;
