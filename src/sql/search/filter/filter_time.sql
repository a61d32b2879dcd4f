-- The expression for a time in a filter, which is $2: the time is refused unless it is ISO 8601, and is in UTC where it
-- says no zone, so that it means the same in every session. The pattern comes first, because PostgreSQL's own input would
-- also take 'yesterday', 'now', 'infinity' and 01/02/2026.
CREATE OR REPLACE FUNCTION filter_time(filter jsonb, key text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN CASE
      WHEN came ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN format('($2 ->> %L)::timestamptz', key)
      ELSE format('($2 ->> %L)::timestamp AT TIME ZONE %L', key, 'UTC')
    END;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
