-- A page of jobs, the newest first. Every filter that is given must hold. For the next page call it again with after_id,
-- the id of the last row of this one; an empty page is the end.
--
--   SELECT id, status, intent FROM list_jobs(queue => 'documents', statuses => '{failed}', page_size => 20);
--
-- The plan is made anew for each call: then a filter that is not given costs nothing, and one that is can use its index.
--
-- The index of created_at is a BRIN, which has no order but says which pages have rows of a period. So a long table is
-- asked for the last second, minute, hour, two days and quarter until a page is full, and only then for all of time; of
-- all time at once where another index finds few rows.
CREATE OR REPLACE FUNCTION list_jobs(
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL,
  intent text DEFAULT NULL,
  modes execution_mode[] DEFAULT NULL,
  worker_id text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  root_id text DEFAULT NULL,
  trace_id text DEFAULT NULL,
  since timestamptz DEFAULT NULL,
  until timestamptz DEFAULT NULL,
  after_id text DEFAULT NULL,
  page_size integer DEFAULT 50
)
RETURNS SETOF jobs
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  periods CONSTANT interval[] := '{1 second, 1 minute, 1 hour, 2 days, 90 days}';
  are_few CONSTANT boolean := list_jobs.statuses <@ '{running,waiting}' OR num_nonnulls(list_jobs.parent_id, list_jobs.root_id) > 0
    OR (SELECT reltuples < 10000 FROM pg_catalog.pg_class WHERE oid = 'jobs'::regclass);
  after_created_at timestamptz;
  newest timestamptz;
  earliest timestamptz;
  places tid[];
BEGIN
  IF list_jobs.page_size IS NULL OR list_jobs.page_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_jobs: page_size must be from 1 to 10000, got %s', coalesce(list_jobs.page_size::text, 'null'));
  END IF;
  IF list_jobs.after_id IS NOT NULL THEN
    SELECT created_at INTO after_created_at FROM jobs WHERE id = list_jobs.after_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('list_jobs: after_id must be the id of a job (was it pruned meanwhile?), got %s', list_jobs.after_id);
    END IF;
  END IF;
  newest := least(jobs_now(), list_jobs.until, after_created_at);
  FOR part IN CASE WHEN are_few THEN 6 ELSE 1 END .. 6 LOOP
    -- None after the last period.
    earliest := greatest(coalesce(newest - periods[part], '-infinity'), list_jobs.since);
    places := ARRAY(
      SELECT job.ctid FROM jobs AS job
      WHERE (list_jobs.queue IS NULL OR job.queue = list_jobs.queue)
        AND (list_jobs.statuses IS NULL OR job.status = ANY (list_jobs.statuses))
        AND (list_jobs.intent IS NULL OR job.intent = list_jobs.intent)
        AND (list_jobs.modes IS NULL OR job.mode = ANY (list_jobs.modes))
        AND (list_jobs.worker_id IS NULL OR job.worker_id = list_jobs.worker_id)
        AND (list_jobs.parent_id IS NULL OR job.parent_id = list_jobs.parent_id)
        AND (list_jobs.root_id IS NULL OR job.root_id = list_jobs.root_id)
        AND (list_jobs.trace_id IS NULL OR job.trace_id = list_jobs.trace_id)
        AND (list_jobs.until IS NULL OR job.created_at < list_jobs.until)
        AND (list_jobs.after_id IS NULL OR job.created_at <= after_created_at
          AND (job.created_at, job.id) < (after_created_at, list_jobs.after_id))
        AND job.created_at >= earliest
      ORDER BY job.created_at DESC, job.id DESC
      LIMIT list_jobs.page_size
    );
    EXIT WHEN cardinality(places) = list_jobs.page_size OR earliest = list_jobs.since;
  END LOOP;
  RETURN QUERY
    SELECT job.* FROM unnest(places) WITH ORDINALITY AS listed (place, number)
    JOIN jobs AS job ON job.ctid = listed.place
    ORDER BY listed.number;
END
$$;
