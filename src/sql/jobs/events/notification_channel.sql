-- The channel that an installation notifies on: another one in the database has channels of its own. In public it is the name
-- itself; elsewhere the schema's name follows, or its md5 where it is long or would have to be quoted. The package computes
-- the same (notificationChannel in src/database/listen.ts), because whoever listens may not call this.
CREATE OR REPLACE FUNCTION notification_channel(name text, schema text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN schema = 'public' THEN name
    WHEN schema ~ '^[a-z_][a-z0-9_]{0,39}$' THEN name || '_' || schema
    ELSE name || '_' || md5(schema)
  END
$$;
