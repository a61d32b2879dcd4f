-- Whether row-level security keeps the rows of memory_items from whoever sent the statement. row_security_active asks
-- that for the current user, which in a SECURITY DEFINER function is its owner; this asks for the one outside: the role
-- that SET ROLE chose, else the session's. Neither can be set to a role that the session may not be.
CREATE OR REPLACE FUNCTION is_isolated_session()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
  SELECT memory.relrowsecurity AND NOT (
    outside.rolsuper OR outside.rolbypassrls OR pg_has_role(outside.oid, memory.relowner, 'USAGE')
  )
  FROM pg_class AS memory, pg_roles AS outside
  WHERE memory.oid = to_regclass(format('%I.memory_items', installation_schema()))
    AND outside.rolname = COALESCE(NULLIF(current_setting('role'), 'none'), session_user)
$$;
