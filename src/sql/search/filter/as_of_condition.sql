-- The part of memory_filter_condition that filter.as_of decides: which of the rows that replaced one another counts.
-- Null where all of them do.
CREATE OR REPLACE FUNCTION as_of_condition(filter jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  as_of CONSTANT jsonb := filter -> 'as_of';
  known text;
  valid text;
BEGIN
  IF as_of IS NULL THEN
    RETURN CASE WHEN (filter -> 'superseded')::boolean IS NOT TRUE THEN 'm.superseded_at IS NULL' END;
  END IF;
  IF jsonb_typeof(as_of) = 'string' THEN
    PERFORM filter_time(filter, 'as_of');
    known := 'utc_time($2 ->> ''as_of'')';
  ELSIF jsonb_typeof(as_of) = 'object' AND as_of <> '{}' AND as_of - '{known,valid}'::text[] = '{}' THEN
    PERFORM filter_time(jsonb_build_object('as_of.' || given.key, given.value), 'as_of.' || given.key)
    FROM jsonb_each(as_of) AS given;
    known := CASE WHEN as_of ? 'known' THEN 'utc_time($2 #>> ''{as_of,known}'')' END;
    valid := CASE WHEN as_of ? 'valid' THEN 'utc_time($2 #>> ''{as_of,valid}'')' END;
  ELSE
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.as_of must be a time, or {"known": time, "valid": time} with one of them or both, got %s', left(as_of::text, 60));
  END IF;
  RETURN concat_ws(' AND ',
    'm.created_at <= ' || known,
    CASE WHEN valid IS NULL THEN format('(m.superseded_at IS NULL OR m.superseded_at > %s)', known) END,
    CASE WHEN valid IS NOT NULL THEN format('(m.valid_from IS NULL OR m.valid_from <= %s)', valid) END,
    CASE WHEN valid IS NOT NULL THEN
      format('(m.valid_to IS NULL OR m.valid_to > %s%s)', valid, ' OR m.superseded_at > ' || known)
    END);
END
$$;
