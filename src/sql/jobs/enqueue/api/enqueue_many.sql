-- enqueue() for many jobs in one statement: an array of objects whose keys are the arguments of enqueue(). Answers for
-- each, in the order of the array. All are accepted, or (on any error) none.
--
--   SELECT * FROM enqueue_many('[{"intent": "embed", "inputs": {"document": "d1"}}, {"intent": "embed", "priority": 5}]');
--
-- Jobs of one priority and run_at are claimed in the order of the array, because their ids are numbered in it.
--
-- Times are ISO 8601, in UTC where they say no zone.
--
-- The ids are made before the insert, so that nothing has to be looked up again unless a job was there already.
CREATE OR REPLACE FUNCTION enqueue_many(jobs jsonb)
RETURNS TABLE (id text, status job_status, created boolean, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  known text[] := ARRAY['intent', 'inputs', 'queue', 'mode', 'priority', 'run_at', 'job_id', 'idempotency_key',
    'singleton_key', 'parent_id', 'deadline_at', 'max_attempts', 'backoff_seconds', 'wait_reason', 'required_action',
    'metadata', 'trace_id', 'callback_url', 'limit_key', 'on_lost', 'attempt_timeout_seconds'];
  iso_time constant text := '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$';
  wrong text;
  ids text[];
  waiting boolean;
  inserted text[];
  parents text[];
BEGIN
  IF enqueue_many.jobs IS NULL OR jsonb_typeof(enqueue_many.jobs) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue_many: jobs must be a JSON array of objects, got %s', coalesce(jsonb_typeof(enqueue_many.jobs), 'null'));
  END IF;
  SELECT format('element %s%s', one.place - 1, checked.problem) INTO wrong
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN jsonb_typeof(one.job) <> 'object' THEN
        format(' must be an object, got %s', jsonb_typeof(one.job))
      WHEN one.job - known <> '{}' THEN
        format(' has an unknown key, %s; known are %s', (SELECT min(key) FROM jsonb_object_keys(one.job - known) AS key),
          array_to_string(known, ', '))
      WHEN one.job ->> 'run_at' !~ iso_time OR one.job ->> 'deadline_at' !~ iso_time THEN
        (
          SELECT format(': %s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got %s', field.name, left(one.job ->> field.name, 60))
          FROM (VALUES ('run_at'), ('deadline_at')) AS field (name)
          WHERE one.job ->> field.name !~ iso_time
          LIMIT 1
        )
      WHEN jsonb_typeof(one.job -> 'inputs') <> 'object' THEN
        format(': inputs must be a JSON object, got %s', jsonb_typeof(one.job -> 'inputs'))
      WHEN one.job ->> 'wait_reason' = 'children'
        OR one.job ->> 'wait_reason' IS NULL AND one.job ->> 'required_action' IS NOT NULL THEN
        format(': a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
          coalesce(one.job ->> 'wait_reason', 'null'))
      WHEN one.job ->> 'parent_id' IS NOT NULL
        AND (SELECT parent.id FROM jobs AS parent WHERE parent.id = one.job ->> 'parent_id') IS NULL THEN
        format(': parent_id must be the id of a job that is there already, got %s', one.job ->> 'parent_id')
    END AS problem
  ) AS checked
  WHERE checked.problem IS NOT NULL
  ORDER BY one.place
  LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('enqueue_many: %s', wrong);
  END IF;

  SELECT array_agg(coalesce(one.job ->> 'job_id', new_job_id(current_moment, one.place::integer)) ORDER BY one.place),
    bool_or(one.job ->> 'wait_reason' IS NOT NULL), array_agg(DISTINCT one.job ->> 'parent_id') FILTER (WHERE one.job ->> 'parent_id' IS NOT NULL)
  INTO ids, waiting, parents
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place);
  IF parents IS NOT NULL THEN
    PERFORM check_parents('enqueue_many', parents);
  END IF;

  WITH accepted AS (
    INSERT INTO jobs AS job (
      id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
      wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
      metadata, inputs, limit_key, on_lost, attempt_timeout_seconds
    )
    SELECT ids[one.place],
      CASE WHEN field.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
      coalesce(field.queue, 'default'), coalesce(field.priority, 0), coalesce(field.run_at, current_moment),
      coalesce(field.mode, 'auto'), field.intent, coalesce(field.max_attempts, 3), coalesce(field.backoff_seconds, 10),
      field.deadline_at, current_moment, field.wait_reason, field.idempotency_key, field.singleton_key, field.parent_id,
      CASE WHEN field.parent_id IS NOT NULL THEN
        (SELECT coalesce(parent.root_id, parent.id) FROM jobs AS parent WHERE parent.id = field.parent_id)
      END,
      field.trace_id, field.callback_url, field.required_action, coalesce(field.metadata, '{}'), coalesce(field.inputs, '{}'),
      field.limit_key, coalesce(field.on_lost, 'retry'), field.attempt_timeout_seconds
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    CROSS JOIN LATERAL jsonb_to_record(one.job) AS field (
      intent text, inputs jsonb, queue text, mode execution_mode, priority smallint, run_at timestamptz,
      idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer,
      backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text,
      callback_url text, limit_key text, on_lost text, attempt_timeout_seconds double precision
    )
    -- By their keys, so that two calls with the same ones in other orders wait for each other in one order.
    ORDER BY coalesce(field.queue, 'default') COLLATE "C", field.idempotency_key COLLATE "C", field.singleton_key COLLATE "C",
      one.job ->> 'job_id' COLLATE "C", one.place
    ON CONFLICT DO NOTHING
    RETURNING job.id
  )
  SELECT array_agg(accepted.id) INTO inserted FROM accepted;

  IF cardinality(inserted) = cardinality(ids) AND NOT waiting THEN
    RETURN QUERY SELECT one.id, 'pending'::job_status, true, NULL::text FROM unnest(ids) AS one (id);
    RETURN;
  END IF;
  -- Some were there already, or came twice in the array.
  RETURN QUERY
    SELECT coalesce(made.id, found.id), coalesce(made.status, found.status), made.id IS NOT NULL,
      (SELECT job.wait_id FROM jobs AS job WHERE job.id = coalesce(made.id, found.id))
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    LEFT JOIN (
      SELECT DISTINCT ON (mine.id) mine.id, mine.place,
        (SELECT job.status FROM jobs AS job WHERE job.id = mine.id) AS status
      FROM unnest(inserted) AS new (id)
      JOIN unnest(ids) WITH ORDINALITY AS mine (id, place) USING (id)
      ORDER BY mine.id, mine.place
    ) AS made ON made.place = one.place
    LEFT JOIN LATERAL find_duplicate(coalesce(one.job ->> 'queue', 'default'), one.job ->> 'job_id',
      one.job ->> 'idempotency_key', one.job ->> 'singleton_key') AS found ON made.id IS NULL
    ORDER BY one.place;
END
$$;
