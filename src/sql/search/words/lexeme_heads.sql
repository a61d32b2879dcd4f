-- The text form of a tsvector or tsquery with each lexeme of more than six letters as its head: six letters and chr(2),
-- which no text can contain (the parser takes it for a blank). Endings differ beyond that in most languages whose stemmer
-- PostgreSQL does not have, or whose language nobody knows.
CREATE OR REPLACE FUNCTION lexeme_heads(lexemes text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT regexp_replace(lexemes, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')
$$;
