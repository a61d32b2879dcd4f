-- Row-level security by namespace: from now on a role sees, finds, writes and deletes only rows of the namespaces that
-- grant_namespaces gave it, whatever it calls. The owner of the table, superusers and roles with BYPASSRLS still see
-- all, so services must not connect as one of them. Rights on the table itself are needed as well (GRANT). May be called
-- again; disable_namespace_isolation undoes it.
--
-- The policies name current_user, which is the login or what SET ROLE made of it, and which nobody can forge; a setting
-- could be set by whoever can run a statement. They read namespace_roles in place, not through a function: a policy is
-- parsed once, now, so that no search_path of the role changes what it means. Of that table a role sees its own rows.
--
-- Ids are unique over all namespaces, and two things follow from that. The WHERE of an INSERT … ON CONFLICT DO UPDATE is
-- asked of the row that has the id before row-level security is (PostgreSQL 15 to 18): by its answer the text of a row
-- of another namespace could be read. So an id that another namespace has is refused before that (may_take_id). And
-- default ids are hashes of namespace, text and tags: whoever could try any hash would learn whether a guessed memory
-- exists elsewhere. So an id that looks like a hash must be the row's own, or that of a row which the role already sees.
CREATE OR REPLACE FUNCTION enable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS namespace_roles_own ON namespace_roles;
  CREATE POLICY namespace_roles_own ON namespace_roles FOR SELECT
    USING (role = to_regrole(quote_ident(current_user)));
  ALTER TABLE namespace_roles ENABLE ROW LEVEL SECURITY;
  REVOKE ALL ON namespace_roles FROM PUBLIC;
  GRANT SELECT ON namespace_roles TO PUBLIC;

  PERFORM set_namespace_policy();
  ALTER TABLE memory_items ENABLE ROW LEVEL SECURITY;
END
$$;
