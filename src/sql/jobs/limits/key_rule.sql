-- The rule of a limit_key: its own, else that of every key of the queue (*), else none.
CREATE OR REPLACE FUNCTION key_rule(queue text, limit_key text)
RETURNS SETOF job_limits
LANGUAGE sql STABLE
AS $$
  SELECT rule.* FROM job_limits AS rule
  WHERE rule.queue = key_rule.queue AND rule.limit_key IN (key_rule.limit_key, '*')
  ORDER BY rule.limit_key = '*' LIMIT 1
$$;
