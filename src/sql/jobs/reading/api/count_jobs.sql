-- How many jobs a filter means, by status: look before cancel_jobs(), retry_jobs() or prune(). Keys of the filter, all of
-- which must hold: queue, intent, worker_id, parent_id, root_id, trace_id, limit_key, error_code (strings), since and until
-- (of created_at, ISO 8601, until exclusive), statuses, modes, ids (arrays).
--
--   SELECT * FROM count_jobs('{"queue": "documents", "error_code": "timeout"}');
CREATE OR REPLACE FUNCTION count_jobs(filter jsonb DEFAULT '{}')
RETURNS TABLE (status job_status, jobs bigint)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
  PERFORM check_job_filter('count_jobs', filter);
  RETURN QUERY SELECT job.status, count(*) FROM jobs AS job WHERE job_matches(job, filter) GROUP BY job.status ORDER BY job.status;
END
$$;
