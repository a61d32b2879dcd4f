-- Changes a job that is pending: when it may run, its priority, its inputs. What is null stays. Answers ok; wrong_status
-- when it is not pending (any more); not_found.
--
--   SELECT change_job('job-1', run_at => now() + interval '1 hour', priority => 5);
CREATE OR REPLACE FUNCTION change_job(
  job_id text,
  run_at timestamptz DEFAULT NULL,
  priority integer DEFAULT NULL,
  inputs jsonb DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF change_job.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('change_job: priority must be from -32768 to 32767, got %s', change_job.priority);
  END IF;
  UPDATE jobs AS job
  SET run_at = coalesce(change_job.run_at, job.run_at), priority = coalesce(change_job.priority, job.priority),
    inputs = coalesce(change_job.inputs, job.inputs)
  WHERE job.id = change_job.job_id AND job.status = 'pending';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = change_job.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
