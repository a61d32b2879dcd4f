-- Gives a role the rows of these namespaces, beside those that it has: under enable_namespace_isolation it sees no
-- others. Answers how many are new. Who may write namespace_roles may call it with effect: its owner.
CREATE OR REPLACE FUNCTION grant_namespaces(role_name text, namespaces text[])
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  granted integer;
BEGIN
  PERFORM check_namespaces('grant_namespaces', role_name, namespaces);
  INSERT INTO namespace_roles (role, namespace)
  SELECT DISTINCT to_regrole(quote_ident(role_name)), given.namespace
  FROM unnest(namespaces) AS given (namespace)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS granted = ROW_COUNT;
  RETURN granted;
END
$$;
