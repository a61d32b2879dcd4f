-- Refuses parents that are not there, or are cancelled or to be: what is being stopped does not grow. Their rows are locked
-- against cancel() until the children are committed (in one order, so that two callers never wait for each other), which
-- the foreign key would do a moment later anyway; heartbeats and settlements go on.
CREATE OR REPLACE FUNCTION check_parents(caller text, job_ids text[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  parent text;
  is_cancelled boolean;
BEGIN
  FOR parent IN SELECT DISTINCT one.id COLLATE "C" AS id FROM unnest(check_parents.job_ids) AS one (id) WHERE one.id IS NOT NULL ORDER BY 1 LOOP
    SELECT job.cancel_requested_at IS NOT NULL OR job.status = 'cancelled' INTO is_cancelled
    FROM jobs AS job WHERE job.id = parent FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s: parent_id must be the id of a job, got %s', caller, parent);
    END IF;
    IF is_cancelled THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('%s: job %s is cancelled, or is to be, and gets no more children', caller, parent);
    END IF;
  END LOOP;
END
$$;
