-- The default id of a memory: the SHA-256, in hex, of the netstrings (`bytes:value,`) of namespace, text and the
-- distinct tags, sorted by their bytes. The lengths make it impossible for two different memories to spell the same
-- bytes; remembering the same thing twice gives the same row. memoryId() in TypeScript computes the same.
CREATE OR REPLACE FUNCTION memory_id(namespace text, text text, tags text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  netstrings bytea;
BEGIN
  IF memory_id.namespace IS NULL OR memory_id.text IS NULL OR array_position(memory_id.tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'memory_id: namespace, text and every tag must be text, got null';
  END IF;
  SELECT string_agg(convert_to(octet_length(part.value) || ':' || part.value || ',', 'UTF8'), ''::bytea ORDER BY part.place, part.value COLLATE "C")
  INTO netstrings
  FROM (
    VALUES (1, memory_id.namespace), (2, memory_id.text)
    UNION ALL
    SELECT DISTINCT 3, tag.value FROM unnest(memory_id.tags) AS tag (value)
  ) AS part (place, value);
  RETURN encode(sha256(netstrings), 'hex');
END
$$;
