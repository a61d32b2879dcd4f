-- Lets a role claim, settle and enqueue jobs by the job functions, and read jobs: it cannot rewrite them by hand, and
-- sees nothing of the memories. Only the owner of the installation may call it with effect; revoke_rights takes it back.
--
--   SELECT grant_worker('documents_worker');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_worker(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_worker', role_name, 'worker');
END
$$;
