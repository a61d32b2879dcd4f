-- Tells watchers of which jobs there are new events, at most one notification a statement: a JSON array of their ids on the
-- channel opa_job_events, or an empty text if there are too many for a payload.
CREATE OR REPLACE FUNCTION job_events_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  ids text;
BEGIN
  SELECT jsonb_agg(DISTINCT added.job_id)::text INTO ids FROM added;
  IF ids IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_job_events', TG_TABLE_SCHEMA), CASE WHEN octet_length(ids) < 8000 THEN ids ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
