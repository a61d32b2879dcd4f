-- Pauses a queue: claims from it find nothing until resume_queue(). What runs goes on and is settled as usual, leases that
-- run out are taken back, and jobs are accepted. Answers whether the queue was not paused before; its reason is replaced.
--
--   SELECT pause_queue('documents', reason => 'the model is down');
CREATE OR REPLACE FUNCTION pause_queue(queue text, reason text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  is_new boolean;
BEGIN
  IF pause_queue.queue IS NULL OR octet_length(pause_queue.queue) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('pause_queue: queue must have from 1 to 255 bytes, got %s', coalesce(octet_length(pause_queue.queue)::text, 'null'));
  END IF;
  INSERT INTO job_queues AS paused (queue, paused_at, reason)
  VALUES (pause_queue.queue, jobs_now(), pause_queue.reason)
  ON CONFLICT (queue) DO UPDATE SET reason = excluded.reason
  RETURNING xmax = 0 INTO is_new;
  RETURN is_new;
END
$$;
