-- Least rights, after every migration: what is internal belongs to its owner alone, whatever PUBLIC and the database's
-- default privileges say (Supabase's give everything to anon), and functions of the API are for those who were granted
-- them. What somebody granted by hand on the API's tables and functions stays.
-- search_path: strict
CREATE OR REPLACE FUNCTION restrict_installation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  internal CONSTANT oid := quote_ident(current_schema())::regnamespace;
  command text;
BEGIN
  FOR command IN
    SELECT format('REVOKE ALL ON %s %s FROM %s', object.kind, object.name,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END)
    FROM (
      SELECT CASE relation.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, relation.oid::regclass::text AS name,
        relation.relowner AS owner, relation.relacl AS acl, true AS is_internal
      FROM pg_class AS relation WHERE relation.relnamespace = internal AND relation.relkind IN ('r', 'p', 'v', 'S')
      UNION ALL
      SELECT 'FUNCTION', function.oid::regprocedure::text, function.proowner,
        coalesce(function.proacl, acldefault('f', function.proowner)), function.pronamespace = internal
      FROM pg_proc AS function
      WHERE function.pronamespace = internal OR function.oid IN (SELECT api.oid FROM api_functions() AS api)
    ) AS object, aclexplode(object.acl) AS granted
    WHERE granted.grantee <> object.owner AND (object.is_internal OR granted.grantee = 0)
    GROUP BY 1
  LOOP
    EXECUTE command;
  END LOOP;
  -- Under namespace isolation the policies read it, row by row their own (enable_namespace_isolation).
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = 'namespace_roles'::regclass) THEN
    GRANT SELECT ON namespace_roles TO PUBLIC;
  END IF;
END
$$;
