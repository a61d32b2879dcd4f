-- Refuses a lease of no sensible length. Ten milliseconds is the shortest: claim relies on that to look only at leases
-- that are older.
CREATE OR REPLACE FUNCTION public.check_lease_seconds(caller text, lease_seconds double precision)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF lease_seconds IS NULL OR NOT (lease_seconds >= 0.01 AND lease_seconds <= 604800) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: lease_seconds must be from 0.01 to 604800 (a week), got %s', caller, coalesce(lease_seconds::text, 'null'));
  END IF;
END
$$;
