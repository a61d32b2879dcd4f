-- Refuses a filter time that is not ISO 8601. The pattern comes first, because PostgreSQL's own input would also take
-- 'yesterday', 'now' and 'infinity'.
CREATE OR REPLACE FUNCTION check_filter_time(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
