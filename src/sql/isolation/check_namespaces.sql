-- Refuses a role that is not there and namespaces that are none, in the name of the function that was called.
CREATE OR REPLACE FUNCTION check_namespaces(caller text, role_name text, namespaces text[])
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  PERFORM check_role(caller, role_name);
  IF namespaces IS NULL OR array_position(namespaces, NULL) IS NOT NULL OR '' = ANY (namespaces) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: namespaces must be names, got %s', caller,
        COALESCE(left(namespaces::text, 60), 'null'));
  END IF;
END
$$;
