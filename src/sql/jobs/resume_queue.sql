-- Ends the pause of a queue; answers whether it was paused.
--
--   SELECT resume_queue('documents');
CREATE OR REPLACE FUNCTION public.resume_queue(queue text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM public.job_queues AS paused WHERE paused.queue = resume_queue.queue;
  RETURN FOUND;
END
$$;
