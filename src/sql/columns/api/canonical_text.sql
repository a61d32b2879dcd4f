-- The text by which two memories are one: without white space at its ends, and composed (NFC), because "é" may be written
-- as one character or as two. The rows keep their text as it was written; only the comparison is by this.
CREATE OR REPLACE FUNCTION canonical_text(text text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
  -- Composing costs half of what parsing the text does, and ASCII has nothing to compose.
  WHEN octet_length(text) = length(text) THEN btrim(text, E' \t\n\r\f\x0B')
  ELSE normalize(btrim(text, E' \t\n\r\f\x0B'), NFC)
END;
