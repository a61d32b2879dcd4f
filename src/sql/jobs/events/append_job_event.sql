-- Adds an event to a job whose row the caller has locked; of more than 1,000 the oldest goes.
CREATE OR REPLACE FUNCTION append_job_event(job_id text, kind text, data jsonb)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  next_seq bigint;
BEGIN
  SELECT coalesce(max(event.seq), 0) + 1 INTO next_seq FROM job_events AS event WHERE event.job_id = append_job_event.job_id;
  INSERT INTO job_events (job_id, seq, kind, data)
  VALUES (append_job_event.job_id, next_seq, append_job_event.kind, append_job_event.data);
  IF next_seq > 1000 THEN
    DELETE FROM job_events WHERE job_id = append_job_event.job_id AND seq <= next_seq - 1000;
  END IF;
END
$$;
