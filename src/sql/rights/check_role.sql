-- Refuses a role that is not there, in the name of the function that was called.
-- search_path: strict
CREATE OR REPLACE FUNCTION check_role(caller text, role_name text)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF role_name IS NULL OR to_regrole(quote_ident(role_name)) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: role_name must be a role of this server, got %s', caller,
        COALESCE('"' || left(role_name, 60) || '"', 'null'));
  END IF;
END
$$;
