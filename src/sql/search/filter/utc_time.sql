-- A time of a filter that filter_time let pass: in UTC where it says no zone.
CREATE OR REPLACE FUNCTION utc_time(value text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN value ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN value::timestamptz
  ELSE value::timestamp AT TIME ZONE 'UTC'
END;
