-- Turns notifications for LISTEN on or off; they are off until somebody asks, for a NOTIFY makes commits queue up behind
-- each other. Only the owner of the tables may. With them on, each statement sends at most one notification:
--   channel opa_jobs_ready   a JSON array of the queues in which jobs became pending
--   channel opa_jobs_ended   a JSON array of the ids of jobs that ended
-- Of an installation in another schema than public the schema's name follows: opa_jobs_ready_tenant (its md5, if it is longer
-- than 40 letters, or more than small letters, digits and underscores). An empty text instead means that there were too many to name: look for yourself.
--
--   SELECT set_job_notifications(true);
CREATE OR REPLACE FUNCTION set_job_notifications(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_notifications: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_notify_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_notify_update ON jobs;
  IF is_on THEN
    CREATE TRIGGER jobs_notify_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
    CREATE TRIGGER jobs_notify_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
  END IF;
END
$$;
