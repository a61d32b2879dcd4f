-- Refuses lists of leases that do not fit together, for the functions that take several at once.
CREATE OR REPLACE FUNCTION check_leases(caller text, job_ids text[], lease_tokens bigint[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF job_ids IS NULL OR lease_tokens IS NULL OR cardinality(job_ids) <> cardinality(lease_tokens) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: job_ids and lease_tokens must be arrays of the same length, got %s and %s', caller,
        coalesce(cardinality(job_ids)::text, 'null'), coalesce(cardinality(lease_tokens)::text, 'null'));
  END IF;
  IF array_position(job_ids, NULL) IS NOT NULL OR array_position(lease_tokens, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: every job id and lease token must be given, got a null', caller);
  END IF;
END
$$;
