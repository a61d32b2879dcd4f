-- The state that save_checkpoint() kept for a job, or null.
--
--   SELECT get_checkpoint('job-1');
CREATE OR REPLACE FUNCTION get_checkpoint(job_id text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT kept.state FROM job_checkpoints AS kept WHERE kept.job_id = get_checkpoint.job_id);
END
$$;
