-- Turns events of status and progress on or off, and notifications of all events (LISTEN opa_job_events); they are off until
-- somebody asks, for each change of a job then writes another row. Output (add_job_output) is recorded either way. Only the
-- owner of the tables may.
--
--   SELECT set_job_events(true);
CREATE OR REPLACE FUNCTION set_job_events(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_events: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_events_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_events_update ON jobs;
  DROP TRIGGER IF EXISTS job_events_notify ON job_events;
  IF is_on THEN
    CREATE TRIGGER jobs_events_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER jobs_events_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER job_events_notify AFTER INSERT ON job_events
      REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION job_events_notify();
  END IF;
END
$$;
