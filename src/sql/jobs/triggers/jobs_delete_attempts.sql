-- Deletes the attempts and answers of deleted jobs, as cascading foreign keys would.
CREATE OR REPLACE FUNCTION jobs_delete_attempts()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
  DELETE FROM job_attempts WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  DELETE FROM job_answers WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$$;
