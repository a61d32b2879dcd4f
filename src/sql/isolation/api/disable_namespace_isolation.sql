-- Undoes enable_namespace_isolation: whoever has rights on memory_items sees all of it again. What grant_namespaces gave
-- stays for the next time. Where memory_items has policies of somebody else's, row-level security stays on for them.
CREATE OR REPLACE FUNCTION disable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS memory_items_namespace ON memory_items;
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'memory_items'::regclass) THEN
    ALTER TABLE memory_items DISABLE ROW LEVEL SECURITY;
  END IF;
  REVOKE ALL ON namespace_roles FROM PUBLIC;
  DROP POLICY IF EXISTS namespace_roles_own ON namespace_roles;
  ALTER TABLE namespace_roles DISABLE ROW LEVEL SECURITY;
END
$$;
