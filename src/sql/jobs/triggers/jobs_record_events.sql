-- Records changes of status and of progress as events, once set_job_events() is on. The statement that changed a job holds
-- its row, so that the events of a job are numbered in the order in which they become visible. Of more than 1,000 the
-- oldest goes.
CREATE OR REPLACE FUNCTION jobs_record_events()
RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO job_events (job_id, seq, kind, data)
    SELECT changed.id, 1, 'status', jsonb_build_object('status', changed.status)
    FROM changed
    ON CONFLICT DO NOTHING;
    RETURN NULL;
  END IF;
  WITH added AS (
    INSERT INTO job_events (job_id, seq, kind, data)
    SELECT changed.id,
      coalesce((SELECT max(event.seq) FROM job_events AS event WHERE event.job_id = changed.id), 0) + 1,
      CASE WHEN changed.status <> previous.status THEN 'status' ELSE 'progress' END,
      CASE WHEN changed.status <> previous.status THEN
        jsonb_strip_nulls(jsonb_build_object('status', changed.status, 'from', previous.status, 'attempt', changed.attempt,
          'worker_id', CASE WHEN changed.status = 'running' THEN changed.worker_id END, 'wait_reason', changed.wait_reason,
          'error', CASE WHEN changed.status IN ('pending', 'failed') AND changed.error IS DISTINCT FROM previous.error
            THEN jsonb_build_object('code', changed.error -> 'code', 'message', changed.error -> 'message') END))
      ELSE jsonb_strip_nulls(jsonb_build_object('progress', changed.progress, 'message', changed.progress_message)) END
    FROM changed JOIN previous USING (id)
    WHERE changed.status <> previous.status OR changed.progress <> previous.progress
      OR changed.progress_message IS DISTINCT FROM previous.progress_message
    RETURNING job_id, seq
  )
  DELETE FROM job_events AS event
  USING added
  WHERE added.seq > 1000 AND event.job_id = added.job_id AND event.seq <= added.seq - 1000;
  RETURN NULL;
END
$$;
