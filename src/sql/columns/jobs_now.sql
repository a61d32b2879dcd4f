-- The only clock of the job functions: leases, deadlines and run_at are compared with it alone, so the clocks of the
-- workers' machines do not matter, and tests replace this one function to make time pass. The wall clock and not the
-- transaction's start: a lease taken late in a long transaction must not be born expired.
CREATE OR REPLACE FUNCTION jobs_now()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT clock_timestamp()
$$;
