-- Lets a role search and read memories and jobs, and nothing else. Only the owner of the installation may call it with
-- effect. Later migrations give the role what they add for readers; revoke_rights takes it back.
--
--   SELECT grant_reader('reports');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_reader(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_reader', role_name, 'reader');
END
$$;
