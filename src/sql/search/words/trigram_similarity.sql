-- How alike two words are by their trigrams, 0 to 1: pg_trgm's similarity(), bound when this is made, so that SECURITY
-- DEFINER functions need not have the extension's schema in their path.
CREATE OR REPLACE FUNCTION trigram_similarity(one text, other text)
RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN similarity(one, other);
