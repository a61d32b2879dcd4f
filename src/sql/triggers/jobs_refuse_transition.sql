-- Raises the error for what the trigger's condition (src/schema/jobs.ts) has found to be forbidden. Whoever writes to
-- the table, by whatever path, cannot complete a job that nobody runs, revive one that is completed, or hand out a
-- fencing token twice.
CREATE OR REPLACE FUNCTION public.jobs_refuse_transition()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  IF NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: the id of a job never changes, got %s', OLD.id, NEW.id);
  END IF;
  IF NEW.lease_token < OLD.lease_token THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: lease_token only grows, it is %s and would become %s', OLD.id, OLD.lease_token, NEW.lease_token);
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
    MESSAGE = format('job %s: status cannot change from %s to %s', OLD.id, OLD.status, NEW.status);
END
$$;
