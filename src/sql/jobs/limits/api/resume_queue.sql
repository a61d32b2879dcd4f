-- Ends the pause of a queue; answers whether it was paused.
--
--   SELECT resume_queue('documents');
CREATE OR REPLACE FUNCTION resume_queue(queue text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM job_queues AS paused WHERE paused.queue = resume_queue.queue;
  RETURN FOUND;
END
$$;
