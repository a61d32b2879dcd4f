-- A vector from its text form, '[0.1, 0.2]', for clients: the type's own name cannot be written without knowing in which
-- schema pgvector is. Bound to the type when it is made, so it needs no search_path and is inlined.
CREATE OR REPLACE FUNCTION parse_embedding(value text)
RETURNS vector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN value::vector;
