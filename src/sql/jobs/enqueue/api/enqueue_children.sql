-- enqueue_many() below one parent: all children are accepted, or (on any error) none, so that a parent which dies half-way
-- never goes on with a part of them. With lease_token the caller must hold the parent's current lease; null asks for none.
-- Give each child an idempotency_key: then a second attempt of the parent gets the children of the first.
--
--   SELECT * FROM enqueue_children('job-1', lease_token => 4,
--     jobs => '[{"intent": "page", "idempotency_key": "job-1:page-1"}, {"intent": "page", "idempotency_key": "job-1:page-2"}]');
CREATE OR REPLACE FUNCTION enqueue_children(job_id text, lease_token bigint, jobs jsonb)
RETURNS TABLE (id text, status job_status, created boolean, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  children jsonb;
BEGIN
  IF jsonb_typeof(enqueue_children.jobs) = 'array' AND EXISTS (
    SELECT FROM jsonb_array_elements(enqueue_children.jobs) AS child WHERE child ? 'parent_id'
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'enqueue_children: the parent of every child is job_id, leave parent_id out';
  END IF;
  IF enqueue_children.lease_token IS NOT NULL THEN
    -- KEY SHARE, so that heartbeats go on, and it is held until the children are committed.
    PERFORM FROM jobs AS parent
    WHERE parent.id = enqueue_children.job_id AND parent.lease_token = enqueue_children.lease_token
      AND parent.lease_expires_at IS NOT NULL
    FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('enqueue_children: the lease %s of job %s is over', enqueue_children.lease_token, enqueue_children.job_id);
    END IF;
  END IF;
  SELECT jsonb_agg(CASE jsonb_typeof(child.job) WHEN 'object' THEN child.job || jsonb_build_object('parent_id', enqueue_children.job_id)
    ELSE child.job END ORDER BY child.place)
  INTO children
  FROM jsonb_array_elements(CASE jsonb_typeof(enqueue_children.jobs) WHEN 'array' THEN enqueue_children.jobs ELSE '[]' END)
    WITH ORDINALITY AS child (job, place);
  RETURN QUERY SELECT child.id, child.status, child.created, child.wait_id
    FROM enqueue_many(CASE jsonb_typeof(enqueue_children.jobs) WHEN 'array' THEN coalesce(children, '[]') ELSE enqueue_children.jobs END) AS child;
END
$$;
