-- What grant_reader, grant_service and grant_worker have in common. Services and workers change jobs by functions that run
-- as the owner of the installation, so nobody else may be able to put functions and operators of the same names into their
-- search_path: on a server that was made before PostgreSQL 15, PUBLIC may create in the schema public.
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_rights(caller text, role_name text, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  open_schema text;
BEGIN
  PERFORM check_role(caller, role_name);
  SELECT format('%I to %s', place.nspname, coalesce(quote_ident(pg_get_userbyid(nullif(granted.grantee, 0))), 'PUBLIC'))
  INTO open_schema
  FROM pg_namespace AS place, aclexplode(place.nspacl) AS granted
  WHERE (place.nspname = installation_schema() OR place.oid IN (
      SELECT extnamespace FROM pg_extension WHERE extname IN ('vector', 'pg_trgm')
    )) AND granted.privilege_type = 'CREATE'
    AND granted.grantee <> place.nspowner AND granted.grantee <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = granted.grantee AND rolsuper)
  LIMIT 1;
  IF kind <> 'reader' AND open_schema IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s: CREATE is granted in schema %s, who could replace what the job functions call', caller, open_schema),
      HINT = 'Take it back first: REVOKE CREATE ON SCHEMA … FROM …;';
  END IF;
  INSERT INTO role_rights (role, kind) VALUES (to_regrole(quote_ident(role_name)), grant_rights.kind) ON CONFLICT DO NOTHING;
  PERFORM apply_role_rights();
END
$$;
