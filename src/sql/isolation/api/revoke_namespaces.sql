-- Takes these namespaces from a role; all that it has where none are named (null). Answers how many it had of them.
CREATE OR REPLACE FUNCTION revoke_namespaces(role_name text, namespaces text[] DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  revoked integer;
BEGIN
  PERFORM check_namespaces('revoke_namespaces', role_name, COALESCE(namespaces, '{}'));
  DELETE FROM namespace_roles AS given
  WHERE given.role = to_regrole(quote_ident(role_name))
    AND (revoke_namespaces.namespaces IS NULL OR given.namespace = ANY (revoke_namespaces.namespaces));
  GET DIAGNOSTICS revoked = ROW_COUNT;
  RETURN revoked;
END
$$;
