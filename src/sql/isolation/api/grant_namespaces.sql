-- Gives a role the rows of these namespaces, beside those that it has: under enable_namespace_isolation it sees no
-- others. Answers how many are new. Who may write namespace_roles may call it with effect: its owner.
-- below: true where a namespace is a path, and everything below it is granted as well: with 'users/ana' also
-- 'users/ana/trips', and not 'users/anabel'.
CREATE OR REPLACE FUNCTION grant_namespaces(role_name text, namespaces text[], below boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  granted integer;
BEGIN
  PERFORM check_namespaces('grant_namespaces', role_name, namespaces);
  INSERT INTO namespace_roles AS known (role, namespace, below)
  SELECT DISTINCT to_regrole(quote_ident(role_name)), given.namespace, COALESCE(grant_namespaces.below, false)
  FROM unnest(namespaces) AS given (namespace)
  ON CONFLICT ON CONSTRAINT namespace_roles_pkey DO UPDATE SET below = true WHERE excluded.below AND NOT known.below;
  GET DIAGNOSTICS granted = ROW_COUNT;
  IF grant_namespaces.below AND granted > 0
    AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'memory_items'::regclass AND polname = 'memory_items_namespace')
  THEN
    PERFORM set_namespace_policy();
  END IF;
  RETURN granted;
END
$$;
