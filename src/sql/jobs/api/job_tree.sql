-- A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
-- depth is 0 for the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
CREATE OR REPLACE FUNCTION job_tree(job_id text)
RETURNS TABLE (
  depth integer,
  id text,
  parent_id text,
  queue text,
  intent text,
  mode execution_mode,
  status job_status,
  progress real,
  progress_message text,
  attempt integer,
  wait_reason text,
  error jsonb,
  usage jsonb,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id, created_at) AS (
      SELECT 0, job.id, job.created_at FROM jobs AS job WHERE job.id = job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id, child.created_at
      FROM tree JOIN jobs AS child ON child.parent_id = tree.id
    ) SEARCH DEPTH FIRST BY created_at, id SET place
    SELECT tree.depth, job.id, job.parent_id, job.queue, job.intent, job.mode, job.status, job.progress,
      job.progress_message, job.attempt, job.wait_reason, job.error, job.usage, job.created_at, job.started_at,
      job.completed_at
    FROM tree JOIN jobs AS job USING (id)
    ORDER BY tree.place;
END
$$;
