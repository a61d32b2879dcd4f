-- Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
-- next heartbeat and lets go, and if it does not, the job is cancelled when its lease ends. With cascade the same
-- happens to all its descendants. Answers cancelled, cancel_requested, wrong_status (it has ended) or not_found.
--
--   SELECT cancel('job-1', cascade => true);
--
-- A child that is accepted while the tree is being locked appears in the second look; then everything is let go and locked
-- anew, in the one order. FOR UPDATE, because from then on nobody may be accepted below these jobs (enqueue takes KEY SHARE).
CREATE OR REPLACE FUNCTION cancel(job_id text, cascade boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  current_moment timestamptz;
  targets text[];
  answer text;
  parent text;
BEGIN
  FOR round IN 1..20 LOOP
    targets := CASE WHEN cancel.cascade THEN descendants(cancel.job_id) ELSE ARRAY[cancel.job_id] END;
    BEGIN
      PERFORM FROM unnest(targets) WITH ORDINALITY AS target (id, place)
      JOIN jobs AS job ON job.id = target.id
      ORDER BY target.place
      FOR UPDATE OF job;
      EXIT WHEN NOT cancel.cascade OR cardinality(descendants(cancel.job_id)) = cardinality(targets);
      RAISE EXCEPTION USING ERRCODE = 'OPA01', MESSAGE = format('cancel: job %s gets descendants faster than they can be locked, try again', cancel.job_id);
    EXCEPTION WHEN SQLSTATE 'OPA01' THEN
      IF round = 20 THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = SQLERRM;
      END IF;
    END;
  END LOOP;

  current_moment := jobs_now();
  PERFORM set_config('opa.parents', 'continued', true);
  WITH changed AS (
    UPDATE jobs AS job
    SET status = CASE job.status WHEN 'running' THEN job.status ELSE 'cancelled' END,
      completed_at = CASE job.status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = coalesce(job.cancel_requested_at, current_moment)
    FROM unnest(targets) AS target (id)
    WHERE job.id = target.id AND job.status IN ('pending', 'waiting', 'running')
    RETURNING job.id, job.status, job.parent_id
  )
  SELECT CASE changed.status WHEN 'cancelled' THEN 'cancelled' ELSE 'cancel_requested' END,
    CASE changed.status WHEN 'cancelled' THEN changed.parent_id END
  INTO answer, parent FROM changed WHERE changed.id = cancel.job_id;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parent IS NOT NULL THEN
    PERFORM continue_parents(ARRAY[parent]);
  END IF;
  IF answer IS NULL THEN
    RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = cancel.job_id) THEN 'wrong_status' ELSE 'not_found' END;
  END IF;
  RETURN answer;
END
$$;
