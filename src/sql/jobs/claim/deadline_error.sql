-- The error of a job that was not done by its deadline, the same wherever that is found out.
CREATE OR REPLACE FUNCTION deadline_error(deadline_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
$$;
