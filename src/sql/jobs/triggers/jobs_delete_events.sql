-- Deletes the events and the checkpoints of deleted jobs, as a cascading foreign key would.
CREATE OR REPLACE FUNCTION jobs_delete_events()
RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  DELETE FROM job_events WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  DELETE FROM job_checkpoints WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$$;
