-- Whether an id is that of a key in another namespace ('3:ana/profile', see namespacedId): a tenant may not take the names
-- of another's memories. The number is the length of the namespace in bytes, and the slash stands behind so many.
CREATE OR REPLACE FUNCTION is_key_of_other(id text, namespace text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  number CONSTANT text := substring(id FROM '^([1-9]\d{0,3}):');
  slash CONSTANT integer := octet_length(number) + 1 + number::integer;
BEGIN
  IF number IS NULL OR octet_length(id) <= slash
    OR starts_with(id, octet_length(namespace) || ':' || namespace || '/')
  THEN
    RETURN false;
  END IF;
  RETURN get_byte(convert_to(id, 'UTF8'), slash) = ascii('/');
END
$$;
