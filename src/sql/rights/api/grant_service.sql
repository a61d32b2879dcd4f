-- Lets a role do what a service does: remember, search and forget, accept work and settle it. It owns nothing, and
-- changes jobs only by the job functions. Only the owner of the installation may call it with effect; revoke_rights
-- takes it back.
--
--   SELECT grant_service('orchestrator');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_service(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_service', role_name, 'service');
END
$$;
