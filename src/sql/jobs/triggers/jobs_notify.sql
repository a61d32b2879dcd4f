-- Sends the notifications of set_job_notifications(), at most one for each channel and statement. A payload may have
-- 7999 bytes; a longer list is sent as an empty one.
CREATE OR REPLACE FUNCTION jobs_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  queues text;
  ended text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_agg(DISTINCT changed.queue)::text INTO queues FROM changed WHERE changed.status = 'pending';
  ELSE
    SELECT jsonb_agg(DISTINCT changed.queue) FILTER (WHERE changed.status = 'pending')::text,
      jsonb_agg(changed.id) FILTER (WHERE changed.completed_at IS NOT NULL)::text
    INTO queues, ended
    FROM changed JOIN previous ON previous.id = changed.id AND previous.status <> changed.status;
  END IF;
  IF queues IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_jobs_ready', TG_TABLE_SCHEMA), CASE WHEN octet_length(queues) < 8000 THEN queues ELSE '' END);
  END IF;
  IF ended IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_jobs_ended', TG_TABLE_SCHEMA), CASE WHEN octet_length(ended) < 8000 THEN ended ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
