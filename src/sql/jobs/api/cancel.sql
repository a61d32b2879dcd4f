-- Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
-- next heartbeat and lets go, and if it does not, the job is cancelled when its lease ends. With cascade the same
-- happens to all its descendants. Answers cancelled, cancel_requested, wrong_status (it has ended) or not_found.
--
--   SELECT cancel('job-1', cascade => true);
--
-- The rows are locked from the leaves up, as the end of a child goes up to its parent, and then changed from the root
-- down, so that no parent goes on because its last child was just cancelled.
CREATE OR REPLACE FUNCTION cancel(job_id text, cascade boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  targets text[] := ARRAY[cancel.job_id];
  target text;
  answer text;
BEGIN
  IF cancel.cascade THEN
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT cancel.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN jobs AS child ON child.parent_id = descendant.id
    )
    SELECT array_agg(descendant.id ORDER BY descendant.depth DESC, descendant.id) INTO targets FROM descendant;
  END IF;

  FOREACH target IN ARRAY targets LOOP
    PERFORM FROM jobs WHERE id = target FOR NO KEY UPDATE;
  END LOOP;

  FOR place IN REVERSE cardinality(targets)..1 LOOP
    UPDATE jobs
    SET status = CASE status WHEN 'running' THEN status ELSE 'cancelled' END,
      completed_at = CASE status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = coalesce(cancel_requested_at, current_moment)
    WHERE id = targets[place] AND status IN ('pending', 'waiting', 'running')
    RETURNING CASE status WHEN 'cancelled' THEN 'cancelled' ELSE 'cancel_requested' END INTO target;
    -- The job itself comes first.
    answer := coalesce(answer, target, 'wrong_status');
  END LOOP;
  IF answer = 'wrong_status' AND NOT EXISTS (SELECT FROM jobs WHERE id = cancel.job_id) THEN
    RETURN 'not_found';
  END IF;
  RETURN answer;
END
$$;
