-- Refuses a name or dimensions that no model can have. may_be_unnamed: whether the name may be null.
CREATE OR REPLACE FUNCTION check_embedding_model(caller text, name text, dimensions integer, may_be_unnamed boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF name IS NULL AND NOT may_be_unnamed OR octet_length(name) NOT BETWEEN 1 AND 1024 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: name must be a text of 1 to 1024 bytes, got %s', caller,
        COALESCE(octet_length(name) || ' bytes', 'null'));
  END IF;
  IF dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: dimensions must be an integer from 1 to 4000, got %s', caller, COALESCE(dimensions::text, 'null'));
  END IF;
END
$$;
