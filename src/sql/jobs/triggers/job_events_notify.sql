-- Tells watchers of which jobs there are new events, at most one notification a statement: a JSON array of their ids on the
-- channel opa_job_events, or an empty text if there are too many for a payload.
CREATE OR REPLACE FUNCTION job_events_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  -- Another installation in the database has channels of its own; the same words as notificationChannel() of the package.
  suffix CONSTANT text := CASE
    WHEN TG_TABLE_SCHEMA = 'public' THEN ''
    WHEN TG_TABLE_SCHEMA ~ '^[a-z_][a-z0-9_]{0,39}$' THEN '_' || TG_TABLE_SCHEMA
    ELSE '_' || md5(TG_TABLE_SCHEMA)
  END;
  ids text;
BEGIN
  SELECT jsonb_agg(DISTINCT added.job_id)::text INTO ids FROM added;
  IF ids IS NOT NULL THEN
    PERFORM pg_notify('opa_job_events' || suffix, CASE WHEN octet_length(ids) < 8000 THEN ids ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
