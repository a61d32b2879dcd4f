-- A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
-- depth is 0 for the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
CREATE OR REPLACE FUNCTION public.job_tree(job_id text)
RETURNS TABLE (
  depth integer,
  id text,
  parent_id text,
  queue text,
  intent text,
  mode public.execution_mode,
  status public.job_status,
  progress real,
  progress_message text,
  attempt integer,
  wait_reason text,
  error jsonb,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id) AS (
      SELECT 0, job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id FROM tree JOIN public.jobs AS child ON child.parent_id = tree.id
    ) SEARCH DEPTH FIRST BY depth, id SET place, branch (depth, id, path) AS (
      SELECT 1, 2, 3
    )
    SELECT 1;
END
$$;
