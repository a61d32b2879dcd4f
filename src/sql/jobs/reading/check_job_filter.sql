-- Refuses a filter of jobs that job_matches() would not understand, naming the key.
CREATE OR REPLACE FUNCTION check_job_filter(caller text, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  texts CONSTANT text[] := ARRAY['queue', 'intent', 'worker_id', 'parent_id', 'root_id', 'trace_id', 'limit_key', 'error_code',
    'since', 'until'];
  lists CONSTANT text[] := ARRAY['statuses', 'modes', 'ids'];
  problem text;
BEGIN
  IF filter IS NULL OR jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: filter must be a JSON object, got %s', caller, coalesce(jsonb_typeof(filter), 'null'));
  END IF;
  SELECT CASE
    WHEN entry.key <> ALL (texts || lists) THEN
      format('filter has an unknown key, %s; known are %s', entry.key, array_to_string(texts || lists, ', '))
    WHEN entry.key = ANY (texts) THEN format('filter.%s must be a string, got %s', entry.key, jsonb_typeof(entry.value))
    ELSE format('filter.%s must be an array of strings, got %s', entry.key, left(entry.value::text, 100))
  END INTO problem
  FROM jsonb_each(filter) AS entry
  WHERE entry.key <> ALL (texts || lists)
    OR entry.key = ANY (texts) AND jsonb_typeof(entry.value) <> 'string'
    OR entry.key = ANY (lists) AND (jsonb_typeof(entry.value) <> 'array'
      OR jsonb_path_exists(entry.value, '$[*] ? (@.type() != "string")'))
  ORDER BY entry.key LIMIT 1;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem);
  END IF;
END
$$;
