-- Takes the rule of a limit_key away; answers whether there was one. Keys without a rule follow that of *.
--
--   SELECT drop_job_limit('agents', 'user:ana');
CREATE OR REPLACE FUNCTION drop_job_limit(queue text, limit_key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM job_limits AS rule WHERE rule.queue = drop_job_limit.queue AND rule.limit_key = drop_job_limit.limit_key;
  RETURN FOUND;
END
$$;
