-- Whether a job is one that a filter (check_job_filter) means; an empty one means all. It is inlined, and a filter that is
-- known when the plan is made leaves only the conditions that it has, which may use their indexes.
CREATE OR REPLACE FUNCTION job_matches(job jobs, filter jsonb)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT (filter ->> 'queue' IS NULL OR job.queue = filter ->> 'queue')
    AND (filter ->> 'intent' IS NULL OR job.intent = filter ->> 'intent')
    AND (filter ->> 'worker_id' IS NULL OR job.worker_id = filter ->> 'worker_id')
    AND (filter ->> 'parent_id' IS NULL OR job.parent_id = filter ->> 'parent_id')
    AND (filter ->> 'root_id' IS NULL OR job.root_id = filter ->> 'root_id')
    AND (filter ->> 'trace_id' IS NULL OR job.trace_id = filter ->> 'trace_id')
    AND (filter ->> 'limit_key' IS NULL OR job.limit_key = filter ->> 'limit_key')
    AND (filter ->> 'error_code' IS NULL OR job.error ->> 'code' = filter ->> 'error_code')
    AND (filter ->> 'since' IS NULL OR job.created_at >= (filter ->> 'since')::timestamptz)
    AND (filter ->> 'until' IS NULL OR job.created_at < (filter ->> 'until')::timestamptz)
    AND (filter -> 'statuses' IS NULL OR filter -> 'statuses' ? job.status::text)
    AND (filter -> 'modes' IS NULL OR filter -> 'modes' ? job.mode::text)
    AND (filter -> 'ids' IS NULL OR filter -> 'ids' ? job.id)
$$;
